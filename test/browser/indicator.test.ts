import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from './bundle.ts'
import { explainMissing, hasChromium, launch } from './chromium.ts'

explainMissing()

const axe = createRequire(import.meta.url).resolve('axe-core')

/** One indicator for each status, on a network of their own. */
const PAGE = `
  import { createResilientWebSocket } from 'resilient-websocket'
  import 'resilient-websocket/indicator'
  import { createFakeNetwork } from 'resilient-websocket/testing'

  const add = (options, act) => {
    const network = createFakeNetwork()
    const environment = { ...network.environment, now: Date.now }
    const element = document.createElement('connection-status')
    element.client = createResilientWebSocket({ ...options, environment })
    document.querySelector('main').append(element, document.createElement('br'))
    act?.(network.socket(), element.client)
  }
  const lost = socket => { socket.open(); socket.receive({ type: 'quote' }); socket.close(1006, 'gone') }
  add({})
  add({}, socket => { socket.open(); socket.receive({ type: 'quote' }) })
  add({}, lost)
  add({ reconnect: { maxAttempts: 0 } }, lost)
  add({}, (socket, client) => client.disconnect())
  add({}, socket => socket.close(4403, 'origin'))
`

describe.skipIf(!hasChromium)('the indicator in Chromium', () => {
  let browser: Browser
  let script: string

  beforeAll(async () => {
    browser = await launch()
    script = await bundle(PAGE)
  })
  afterAll(() => browser?.close())

  const open = async (options: Parameters<Browser['newPage']>[0]): Promise<Page> => {
    const page = await browser.newPage(options)
    await page.setContent(
      '<!doctype html><html lang="en"><title>Indicators</title><style>:root { color-scheme: light dark }</style><main><h1>Indicators</h1></main>',
    )
    await page.addScriptTag({ content: script, type: 'module' })
    await page.waitForSelector('connection-status[data-status=ERROR]')
    return page
  }

  const complaints = async (page: Page): Promise<string[]> => {
    await page.addScriptTag({ path: axe })
    return page.evaluate(async () => {
      const { axe: checker } = globalThis as unknown as { axe: typeof import('axe-core') }
      const { violations, incomplete } = await checker.run()
      const certain = incomplete.filter(({ id }) => id !== 'color-contrast')
      return [...violations, ...certain].map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join(' | ')}`,
      )
    })
  }

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in any status, %s',
    async colorScheme => {
      const page = await open({ colorScheme })
      const colors = await page
        .locator('connection-status')
        .evaluateAll(all => all.map(each => (each as HTMLElement).dataset['color']))
      expect(colors).toEqual(['yellow', 'green', 'yellow', 'blue', 'red', 'red'])
      expect(await complaints(page)).toEqual([])
      await page.close()
    },
  )

  test('axe finds nothing in the open details, which no box of the page cuts off', async () => {
    const page = await open({ viewport: { width: 400, height: 700 } })
    await page.addStyleTag({ content: 'main { height: 120px; overflow: hidden }' })
    await page.locator('connection-status').nth(2).getByRole('button', { name: 'Details' }).click()
    const panel = page.getByRole('group', { name: 'Connection details' })
    await panel.waitFor()
    const box = await panel.boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(0)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(400)
    const hit = await page.evaluate(
      ([x, y]) => document.elementFromPoint(x as number, y as number)?.localName,
      [(box?.x ?? 0) + 20, (box?.y ?? 0) + (box?.height ?? 0) - 10],
    )
    expect(hit).toBe('connection-status')
    expect(await complaints(page)).toEqual([])
    await page.close()
  })

  test('nothing turns for those who asked for less motion', async () => {
    const animation = async (reducedMotion: 'reduce' | 'no-preference'): Promise<string> => {
      const page = await open({ reducedMotion })
      const name = await page
        .locator('connection-status svg')
        .first()
        .evaluate(svg => getComputedStyle(svg).animationName)
      await page.close()
      return name
    }
    expect(await animation('no-preference')).toBe('turn')
    expect(await animation('reduce')).toBe('none')
  })

  test('in forced colours the shape is still to be seen', async () => {
    const page = await open({ forcedColors: 'active' })
    const [shape, text] = await page
      .locator('connection-status')
      .first()
      .evaluate(element => {
        const icon = element.shadowRoot?.querySelector('.icon')
        const label = element.shadowRoot?.querySelector('.label')
        return [icon, label].map(each => each && getComputedStyle(each).color)
      })
    expect(shape).toBe(text)
    await page.close()
  })

  test('a page may set colours and parts from outside', async () => {
    const page = await open({})
    await page.addStyleTag({
      content:
        'connection-status { --connection-status-green: rgb(1, 2, 3) } connection-status::part(label) { text-transform: uppercase }',
    })
    const element = page.locator('connection-status').nth(1)
    expect(await element.locator('.icon').evaluate(icon => getComputedStyle(icon).color)).toBe(
      'rgb(1, 2, 3)',
    )
    expect(
      await element.locator('.label').evaluate(label => getComputedStyle(label).textTransform),
    ).toBe('uppercase')
    await page.close()
  })

  test('it works where a policy forbids inline styles and markup in strings', async () => {
    const page = await browser.newPage()
    const errors: string[] = []
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', error => errors.push(error.message))
    await page.route('http://strict.test/**', route =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ contentType: 'text/javascript', body: script })
        : route.fulfill({
            contentType: 'text/html',
            headers: {
              'content-security-policy':
                "default-src 'self'; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'",
            },
            body: '<!doctype html><title>Strict</title><link rel="icon" href="data:,"><main></main><script type="module" src="/page.js"></script>',
          }),
    )
    await page.goto('http://strict.test/')
    await page.waitForSelector('connection-status[data-status=ERROR]')
    await page.locator('connection-status').nth(2).getByRole('button', { name: 'Details' }).click()
    await page.getByRole('group', { name: 'Connection details' }).waitFor()
    expect(
      await page
        .locator('connection-status .badge')
        .first()
        .evaluate(badge => getComputedStyle(badge).display),
    ).toBe('inline-flex')
    expect(errors).toEqual([])
    await page.close()
  })
})
