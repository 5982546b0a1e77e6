/** The demo's page, built, in a real browser, over a connection that is really hurt. */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ResilientWebSocket } from '../../src/index.ts'
import { explainMissing, hasChromium, launch } from './chromium.ts'
import { type Demo, startDemo } from './demo.ts'
import './page.ts'

type Status = ResilientWebSocket['status']

/** Short enough to wait for, in the address bar as a visitor in a hurry would. */
const HURRY = 'retryMs=200&probeMs=500&pollMs=200'

explainMissing()

describe.skipIf(!hasChromium)('the demo in Chromium', () => {
  let browser: Browser
  let demo: Demo
  let context: BrowserContext
  let page: Page
  let problems: string[]

  beforeAll(async () => {
    browser = await launch()
    demo = await startDemo('--heartbeat', '500')
  })

  afterAll(async () => {
    await browser?.close()
    await demo?.stop()
  })

  beforeEach(() => {
    problems = []
  })

  afterEach(async () => {
    await act('heal')
    await context?.close()
    expect(problems).toEqual([])
  })

  /** Does to the connection what a button of the page does. */
  const act = async (name: string): Promise<void> => {
    const response = await fetch(`${demo.url}/demo/${name}`, {
      method: 'POST',
      headers: { origin: demo.url },
    })
    expect(response.status).toBe(200)
  }

  const visit = async (parameters = HURRY, options: BrowserContextOptions = {}): Promise<void> => {
    context = await browser.newContext({ colorScheme: 'light', ...options })
    page = await context.newPage()
    page.on('pageerror', error => problems.push(String(error)))
    await page.goto(`${demo.url}/?${parameters}`)
  }

  const status = (wanted: Status): Promise<unknown> =>
    page.waitForSelector(`[data-testid=status][data-status=${wanted}]`)

  const open = async (parameters?: string, options?: BrowserContextOptions): Promise<void> => {
    await visit(parameters, options)
    await status('OPEN')
  }

  const press = (fault: string): Promise<void> => page.click(`[data-fault=${fault}]`)

  const text = async (testId: string): Promise<string> =>
    (await page.textContent(`[data-testid="${testId}"]`)) ?? ''

  const firstPrice = (): Promise<string> =>
    page.waitForSelector('[data-testid^=price-]').then(async found => {
      return (await found.getAttribute('data-testid')) ?? ''
    })

  /** Waits until the price of a symbol is another than now. */
  const pricesMove = async (): Promise<void> => {
    const id = await firstPrice()
    const before = await text(id)
    await page.waitForFunction(
      ([testId, old]) => document.querySelector(`[data-testid="${testId}"]`)?.textContent !== old,
      [id, before],
    )
  }

  const history = (): Promise<string[]> =>
    page.evaluate(() => window.__demo.socket.stateHistory.map(({ from, to }) => `${from}>${to}`))

  const reasons = (): Promise<(string | undefined)[]> =>
    page.evaluate(() => window.__demo.socket.stateHistory.map(({ reason }) => reason))

  /** The badge's colour in a word. */
  const badgeColor = (): Promise<string> =>
    page.$eval('[data-testid=status]', async badge => {
      await Promise.all(badge.getAnimations().map(({ finished }) => finished))
      const [red = 0, green = 0, blue = 0] =
        getComputedStyle(badge).color.match(/\d+/g)?.map(Number) ?? []
      if (blue > red && blue > green) return 'blue'
      if (green > red) return 'green'
      return green > 0.5 * red ? 'yellow' : 'red'
    })

  it('shows prices that move, a green badge, and loses nothing', async () => {
    await open()
    expect(await text('status')).toBe('Connected')
    expect(await badgeColor()).toBe('green')
    await pricesMove()
    await page.waitForFunction(() => window.__demo.tally.received > 50)
    const tally = await page.evaluate(() => window.__demo.tally)
    expect(tally).toMatchObject({ missing: 0, doubled: 0, missed: 0, gaps: 0 })
    expect(await history()).toEqual(['CLOSED>CONNECTING', 'CONNECTING>OPEN'])
  })

  it('works under each name of this machine', async () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      await visit()
      await page.goto(`http://${host}:${demo.port}/?${HURRY}`)
      await status('OPEN')
      await pricesMove()
      await press('cut')
      await page.waitForFunction(
        () => window.__demo.socket.stateHistory.filter(({ to }) => to === 'OPEN').length === 2,
      )
      await context.close()
    }
  })

  it('cut: yellow, then green by itself', async () => {
    await open('retryMs=1000')
    await press('cut')
    await status('RECONNECTING')
    expect(await text('status')).toBe('Reconnecting')
    expect(await badgeColor()).toBe('yellow')
    await status('OPEN')
    expect(await badgeColor()).toBe('green')
    await pricesMove()
    expect(await history()).toEqual([
      'CLOSED>CONNECTING',
      'CONNECTING>OPEN',
      'OPEN>RECONNECTING',
      'RECONNECTING>OPEN',
    ])
    const shown = await page.$$eval('[data-testid=history] .states', found =>
      found.map(each => each.textContent),
    )
    expect(shown).toEqual([
      'RECONNECTING > OPEN',
      'OPEN > RECONNECTING',
      'CONNECTING > OPEN',
      'CLOSED > CONNECTING',
    ])
    const tally = await page.evaluate(() => window.__demo.tally)
    expect(tally).toMatchObject({ missing: 0, doubled: 0 })
  })

  it('counts down to the next try, and "Try now" does not wait for it', async () => {
    await open('retryMs=20000')
    await press('cut')
    await status('RECONNECTING')
    await page.waitForFunction(() =>
      /^next try in \d+ s \(1\/5\)$/.test(
        document.querySelector('[data-testid=detail]')?.textContent ?? '',
      ),
    )
    await page.click('text=Try now')
    await status('OPEN')
    expect(await page.isHidden('text=Try now')).toBe(true)
  })

  it('marks prices that are old, and no longer once news come', async () => {
    await open('retryMs=60000')
    await firstPrice()
    await press('cut')
    await page.waitForSelector('tr.stale')
    await page.click('text=Try now')
    await page.waitForFunction(() => !document.querySelector('tr.stale'))
  })

  it('WebSocket blocked: blue, prices still move, and green again once it is not', async () => {
    await open(`${HURRY}&maxAttempts=2`)
    await press('block-websocket')
    await status('FALLBACK')
    expect(await badgeColor()).toBe('blue')
    await pricesMove()
    await pricesMove()
    expect(await page.getAttribute('[data-fault=block-websocket]', 'aria-pressed')).toBe('true')
    await press('heal')
    await status('OPEN')
    await pricesMove()
    expect((await history()).slice(2)).toEqual([
      'OPEN>RECONNECTING',
      'RECONNECTING>FALLBACK',
      'FALLBACK>OPEN',
    ])
  })

  it('a black hole: nothing closes, and the heartbeat notices', async () => {
    await open()
    await pricesMove()
    await press('blackhole')
    await status('RECONNECTING')
    expect((await reasons()).at(-1)).toBe('Heartbeat timeout')
    await press('heal')
    await status('OPEN')
    await pricesMove()
    const tally = await page.evaluate(() => window.__demo.tally)
    expect(tally).toMatchObject({ missing: 0, doubled: 0 })
  })

  it('the server stopped: it keeps trying, and is back when the server is', async () => {
    await open()
    await press('stop-server')
    await status('RECONNECTING')
    await page.waitForSelector('text=Start the server')
    await press('start-server')
    await status('OPEN')
    await pricesMove()
    const tally = await page.evaluate(() => window.__demo.tally)
    expect(tally).toMatchObject({ missing: 0, doubled: 0 })
  })

  it('what is sent while away waits, and is applied once and in order', async () => {
    await open('retryMs=60000')
    await press('cut')
    await status('RECONNECTING')
    for (const words of ['first', 'second', 'third']) {
      await page.fill('#send-text', words)
      await page.click('text="Send"')
    }
    const sent = (): Promise<unknown[]> =>
      page.$$eval('[data-testid=sent] li', found =>
        found.map(each => [
          each.querySelector('.words')?.textContent,
          each.dataset.state,
          each.dataset.echoes,
        ]),
      )
    expect(await sent()).toEqual([
      ['third', 'queued', '0'],
      ['second', 'queued', '0'],
      ['first', 'queued', '0'],
    ])
    const echoes = page.evaluate(
      () =>
        new Promise(resolve => {
          const heard: unknown[] = []
          window.__demo.socket.on('message', ({ type, data }) => {
            const words = (data as { text?: string } | undefined)?.text
            if (type !== 'echo' || !words) return
            if (heard.push(words) === 4) resolve(heard)
          })
        }),
    )
    await page.click('text=Try now')
    await status('OPEN')
    await page.fill('#send-text', 'last')
    await page.click('text="Send"')
    expect(await echoes).toEqual(['first', 'second', 'third', 'last'])
    await page.waitForFunction(
      () => document.querySelectorAll('[data-testid=sent] [data-state=echoed]').length === 4,
    )
    expect((await sent()).map(each => (each as unknown[])[2])).toEqual(['1', '1', '1', '1'])
  })

  it('disconnect stays disconnected, red; connect comes back, green', async () => {
    await open()
    await page.click('text="Disconnect"')
    await status('CLOSED')
    expect(await text('status')).toBe('Disconnected')
    expect(await badgeColor()).toBe('red')
    expect(await page.isHidden('text=Try now')).toBe(true)
    await page.click('text="Connect"')
    await status('OPEN')
    await pricesMove()
  })

  it('has colours of its own in the dark, and fits a small phone', async () => {
    await open(HURRY, { colorScheme: 'dark', viewport: { width: 360, height: 740 } })
    await firstPrice()
    const { background, overflow } = await page.evaluate(() => ({
      background: getComputedStyle(document.body).backgroundColor,
      overflow: document.documentElement.scrollWidth - innerWidth,
    }))
    expect(background).toBe('rgb(12, 16, 23)')
    expect(overflow).toBe(0)
  })

  describe('the control API', () => {
    const post = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${demo.url}/demo/cut`, { method: 'POST', headers })

    beforeEach(() => visit())

    it('obeys the page only', async () => {
      expect((await post({})).status).toBe(403)
      expect((await post({ origin: 'http://evil.example' })).status).toBe(403)
      expect((await post({ origin: `http://127.0.0.1:${demo.port}` })).status).toBe(403)
      expect((await post({ origin: demo.url })).status).toBe(200)
    })

    it('knows its actions, by POST only', async () => {
      const ask = (path: string, method: string): Promise<Response> =>
        fetch(`${demo.url}/demo/${path}`, { method, headers: { origin: demo.url } })
      expect((await ask('constructor', 'POST')).status).toBe(404)
      expect((await ask('cut', 'GET')).status).toBe(405)
      expect(await (await ask('state', 'GET')).json()).toMatchObject({
        network: 'fine',
        server: 'running',
      })
    })
  })
})
