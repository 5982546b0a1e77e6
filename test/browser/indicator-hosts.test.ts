/** Pages that host the indicator in ways that have emptied it: hydration, late registration, Trusted Types, frames. */
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { explainMissing, hasChromium, launch } from './chromium.ts'

explainMissing()

const CLIENT = `
  import { createResilientWebSocket } from 'resilient-websocket'
  import { createFakeNetwork } from 'resilient-websocket/testing'
  const socket = createResilientWebSocket({ environment: createFakeNetwork().environment })
`
const REACT = `${CLIENT}
  import { createElement } from 'react'
  import { ConnectionStatus } from 'resilient-websocket/react'
  const App = () => createElement(ConnectionStatus, { client: socket })
`
const VUE = `${CLIENT}
  import { createApp, createSSRApp, h } from 'vue'
  import { ConnectionStatus } from 'resilient-websocket/vue'
  const App = { render: () => h(ConnectionStatus, { client: socket }) }
`

let browser: Browser | undefined
let page: Page | undefined

beforeAll(async () => {
  if (hasChromium) browser = await launch()
})
afterEach(() => page?.close())
afterAll(() => browser?.close())

/** A page with this body, on which this module has run. */
const open = async (module: string, body: string, policy = "default-src 'self'"): Promise<Page> => {
  const { outputFiles } = await build({
    stdin: { contents: module, resolveDir: process.cwd() },
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: {},
    bundle: true,
    format: 'esm',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
  })
  page = await (browser as Browser).newPage()
  const html = `<!doctype html><html lang="en"><title>Desk</title><div id="root">${body}</div><script type="module" src="/main.js"></script></html>`
  await page.route('https://desk.test/*', route =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: outputFiles[0]?.text ?? '' })
      : route.fulfill({
          contentType: 'text/html',
          headers: { 'content-security-policy': policy },
          body: html,
        }),
  )
  await page.goto('https://desk.test/')
  return page
}

const label = (of: Page, root = ''): Promise<string> =>
  of.locator(`${root}connection-status [part=label]`).innerText()

const LATE = `setTimeout(() => import('resilient-websocket/indicator'), 200)`
const EMPTY = '<connection-status></connection-status>'

describe.skipIf(!hasChromium)('the indicator shows its client', () => {
  test.each([
    [
      'React, hydrated',
      `${REACT} import { hydrateRoot } from 'react-dom/client'
       import 'resilient-websocket/indicator'
       hydrateRoot(document.getElementById('root'), createElement(App))`,
      EMPTY,
    ],
    [
      'React, hydrated before the element is registered',
      `${REACT} import { hydrateRoot } from 'react-dom/client'
       hydrateRoot(document.getElementById('root'), createElement(App)); ${LATE}`,
      EMPTY,
    ],
    [
      'React, rendered before the element is registered',
      `${REACT} import { createRoot } from 'react-dom/client'
       createRoot(document.getElementById('root')).render(createElement(App)); ${LATE}`,
      '',
    ],
    [
      'Vue, hydrated',
      `${VUE} import 'resilient-websocket/indicator'
       createSSRApp(App).mount('#root')`,
      EMPTY,
    ],
    [
      'Vue, rendered before the element is registered',
      `${VUE} createApp(App).mount('#root'); ${LATE}`,
      '',
    ],
  ])('%s', async (_, module, body) => {
    expect(await label(await open(module, body))).toBe('Connecting')
  })

  const PLAIN = `${CLIENT}
    import 'resilient-websocket/indicator'
    const badge = document.querySelector('connection-status')
    badge.client = socket
    globalThis.badge = badge`

  test('on a page that requires Trusted Types and forbids inline styles', async () => {
    const policy = "default-src 'self'; require-trusted-types-for 'script'"
    const strict = await open(PLAIN, EMPTY, policy)
    expect(await label(strict)).toBe('Connecting')
    const color = await strict
      .locator('connection-status [part=badge]')
      .evaluate(element => getComputedStyle(element).borderRadius)
    expect(color).toBe('999px')
  })

  test('in another document, with its styles', async () => {
    const framed = await open(PLAIN, `${EMPTY}<iframe></iframe>`)
    expect(await label(framed)).toBe('Connecting')
    await framed.evaluate(`document.querySelector('iframe').contentDocument.body.append(badge)`)
    const moved = framed.frameLocator('iframe').locator('connection-status [part=badge]')
    expect(await moved.innerText()).toBe('Connecting')
    expect(await moved.evaluate(element => getComputedStyle(element).borderRadius)).toBe('999px')
    await framed.evaluate(`document.getElementById('root').append(badge)`)
    expect(
      await framed
        .locator('connection-status [part=badge]')
        .evaluate(element => getComputedStyle(element).borderRadius),
    ).toBe('999px')
  })
})
