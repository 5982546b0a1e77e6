import axe from 'axe-core'
import { build } from 'esbuild'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
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
  globalThis.feed = () => setInterval(() => network.socket().receive({ type: 'tick' }), 5)
  globalThis.flap = times => {
    while (times--) {
      socket.disconnect()
      socket.connect()
    }
  }
  globalThis.leave = () => {
    badge.client = undefined
  }
`

const ORDER = ['yellow', 'green', 'blue', 'red']
const URL = 'https://desk.test/'
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
const open = async (
  color: string,
  colorScheme: 'light' | 'dark',
  more: BrowserContextOptions = {},
): Promise<Page> => {
  const page = await (browser as Browser).newPage({ colorScheme, ...more })
  // Only a secure page has a clipboard.
  await page.route(URL, route => route.fulfill({ contentType: 'text/html', body: HTML }))
  await page.goto(URL)
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

describe.skipIf(!hasChromium)('the details in Chromium, under 200 messages a second', () => {
  /** Open, on a client with a long history and a feed that goes on. */
  const live = async (): Promise<{ page: Page; details: Locator; copy: Locator }> => {
    const page = await open('green', 'light', {
      permissions: ['clipboard-read', 'clipboard-write'],
      reducedMotion: 'reduce',
    })
    await page.evaluate("flap(12); show('green'); feed()")
    await page.locator('connection-status .row.green').waitFor()
    await page.locator('connection-status [part=badge]').click()
    const details = page.locator('connection-status [part=details]')
    await details.waitFor()
    return { page, details, copy: details.locator('button') }
  }

  /** A snapshot after the next thirty messages was rendered. */
  const goesOn = (page: Page): Promise<unknown> =>
    page.evaluate(`new Promise(resolve => {
      let left = 30
      const stop = document.querySelector('connection-status').client.on('message', () => {
        if (--left) return
        stop()
        setTimeout(() => setTimeout(resolve))
      })
    })`)

  test('a slow click on "Copy diagnostics" copies, each time, and says so', async () => {
    const { page, copy } = await live()
    for (let clicks = 0; clicks < 3; clicks++) {
      await copy.click({ delay: 110 })
      await copy.getByText('Copied').waitFor()
      const copied = await page.evaluate('navigator.clipboard.readText()')
      expect(JSON.parse(String(copied))).toHaveProperty('snapshot.status', 'OPEN')
      await page.evaluate("navigator.clipboard.writeText('')")
    }
    await page.close()
  })

  test('the focus stays on the button after Enter', async () => {
    const { page, copy } = await live()
    await copy.focus()
    await page.keyboard.press('Enter')
    await copy.getByText('Copied').waitFor()
    await goesOn(page)
    const focused =
      'document.activeElement.shadowRoot?.activeElement?.classList.contains("action") ?? false'
    expect(await page.evaluate(focused)).toBe(true)
    await page.close()
  })

  test('the history stays where it was scrolled to, and a selected text selected', async () => {
    const { page, details } = await live()
    const list = details.locator('ol')
    await list.evaluate(element => {
      element.scrollTop = 100
      const [, second] = element.querySelectorAll('li')
      getSelection()?.selectAllChildren(second as Element)
    })
    await goesOn(page)
    expect(await list.evaluate(element => element.scrollTop)).toBe(100)
    expect(
      await list.evaluate(element => {
        const root = element.getRootNode() as ShadowRoot & Pick<Document, 'getSelection'>
        return root.getSelection()?.toString()
      }),
    ).toMatch(/(Connecting|Connected|Disconnected)/)
    await page.close()
  })

  test('axe finds nothing, with a history that scrolls', async () => {
    const { page, details } = await live()
    const list = details.locator('ol')
    expect(await list.evaluate(each => each.scrollHeight > each.clientHeight)).toBe(true)
    expect(await findings(page)).toEqual([])
    await page.close()
  })
})

describe.skipIf(!hasChromium)('the indicator in Chromium', () => {
  test('without a client nothing is seen of it', async () => {
    const page = await open('green', 'light')
    await page.locator('connection-status [part=badge]').click()
    await page.evaluate('leave()')
    const seen = page.locator('connection-status').locator('button, [part=details]')
    expect(await seen.evaluateAll(all => all.filter(each => each.checkVisibility()).length)).toBe(0)
    await page.close()
  })

  test.each([
    ['no-preference', 'turn'],
    ['reduce', 'none'],
  ] as const)('motion %s: the icon of connecting has the animation %s', async (motion, name) => {
    const page = await open('yellow', 'light', { reducedMotion: motion })
    const icon = page.locator('connection-status svg').first()
    expect(await icon.evaluate(each => getComputedStyle(each).animationName)).toBe(name)
    await page.close()
  })

  test("forced colours: the system's own, with a border round everything that has one", async () => {
    const page = await open('blue', 'light', { forcedColors: 'active' })
    await page.locator('connection-status [part=badge]').click()
    const paint = await page.evaluate(() => {
      const probe = document.body.appendChild(document.createElement('i'))
      const of = (color: string): string => {
        probe.style.color = color
        return getComputedStyle(probe).color
      }
      const system = { canvas: of('Canvas'), text: of('CanvasText'), border: of('ButtonText') }
      const root = document.querySelector('connection-status')?.shadowRoot
      const parts = ['badge', 'retry', 'details'].map(name => {
        const style = getComputedStyle(root?.querySelector(`[part=${name}]`) as Element)
        return { canvas: style.backgroundColor, text: style.color, border: style.borderTopColor }
      })
      return { system, parts }
    })
    expect(paint.parts).toEqual([paint.system, paint.system, paint.system])
    await page.close()
  })
})
