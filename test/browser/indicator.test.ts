import axe from 'axe-core'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainMissing, hasChromium, launch } from './chromium.ts'

explainMissing()

/** A page with one indicator, on a client whose network the test has in its hands. */
const SCRIPT = `
  import { createResilientWebSocket } from 'resilient-websocket'
  import 'resilient-websocket/indicator'
  import { createFakeNetwork } from 'resilient-websocket/testing'
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    environment: network.environment,
    reconnect: { maxAttempts: 0 },
  })
  const badge = document.querySelector('connection-status')
  badge.client = socket
  const states = {
    yellow() {},
    green() {
      network.socket().open()
      network.socket().receive({ type: 'connection', data: {} })
      network.socket().receive({ type: 'pong', data: {} })
    },
    blue() {
      network.onDial = dialed => queueMicrotask(() => dialed.fail())
      network.socket().close(1006)
    },
    red: () => socket.disconnect(),
  }
  globalThis.show = name => states[name]()
`

const ORDER = ['yellow', 'green', 'blue', 'red']
const HTML =
  '<!doctype html><html lang="en"><style>:root { color-scheme: light dark; background: Canvas }</style><title>Desk</title><main><h1>Desk</h1><connection-status></connection-status></main></html>'

let browser: Browser | undefined
let script = ''

beforeAll(async () => {
  if (!hasChromium) return
  browser = await launch()
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: process.cwd() },
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: {},
    bundle: true,
    format: 'esm',
    write: false,
  })
  script = outputFiles[0]?.text ?? ''
})

afterAll(async () => {
  await browser?.close()
})

/** A page on which the indicator has this colour. */
const open = async (color: string, colorScheme: 'light' | 'dark'): Promise<Page> => {
  const page = await (browser as Browser).newPage({ colorScheme })
  await page.setContent(HTML)
  await page.addScriptTag({ type: 'module', content: script })
  await page.waitForFunction(() => 'show' in globalThis)
  await page.evaluate(axe.source)
  for (const each of ORDER.slice(0, ORDER.indexOf(color) + 1)) {
    await page.evaluate(`show('${each}')`)
    await page.locator(`connection-status .row.${each}`).waitFor()
  }
  return page
}

const findings = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe
    const { violations } = await run(document)
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  })

describe.skipIf(!hasChromium)('the indicator in Chromium: axe finds nothing', () => {
  describe.each(['light', 'dark'] as const)('%s', scheme => {
    test.each(ORDER)('%s, with its details closed and open', async color => {
      const page = await open(color, scheme)
      expect(await findings(page)).toEqual([])
      await page.locator('connection-status [part=badge]').click()
      await page.locator('connection-status [part=details]').waitFor()
      expect(await findings(page)).toEqual([])
      await page.close()
    })
  })
})
