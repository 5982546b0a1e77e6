/** The demo's page, built, in a real browser, over a connection that is really hurt. */
import axe from 'axe-core'
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
    const shown = await page.$$eval('[data-testid=history] li:has(.states)', found =>
      found.map(each => ['.states', '.words'].map(name => each.querySelector(name)?.textContent)),
    )
    expect(shown).toEqual([
      ['Connected again', ''],
      ['Reconnecting', 'the connection broke'],
      ['Connected', ''],
      ['Connecting', ''],
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

  it('the server stopped: it goes on dialing also on the fallback, and is back when the server is', async () => {
    await open(`${HURRY}&afterMs=500`)
    await press('stop-server')
    await status('FALLBACK')
    for (let dials = 0; dials < 3; dials++) await page.waitForEvent('websocket')
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
    expect(await text('detail')).toBe('until you press Connect')
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

  it('the server stopped: no line is alive, no round trip is left, and the badge does not claim to poll', async () => {
    const lines = (): Promise<string[]> =>
      page.$$eval('.wire i', found => found.map(each => getComputedStyle(each).animationName))
    const roundTrip = (): Promise<string | null> => page.textContent('#count-latency')
    await open(`${HURRY}&afterMs=500`)
    await page.waitForFunction(() =>
      document.querySelector('#count-latency')?.textContent?.endsWith('ms'),
    )
    expect(await lines()).toEqual(['flow', 'flow'])
    await press('stop-server')
    await status('FALLBACK')
    await page.waitForSelector('text=On fallback: no answer')
    expect(await lines()).toEqual(['none', 'none'])
    expect(await page.textContent('#wire')).toBe('nothing comes')
    expect(await roundTrip()).toBe('\u2013')
    await press('start-server')
    await status('OPEN')
    await page.waitForFunction(
      () => getComputedStyle(document.querySelector('.wire i') as Element).animationName === 'flow',
    )
  })

  it('a link on which nothing comes has no living line, however open it looks', async () => {
    context = await browser.newContext()
    page = await context.newPage()
    await page.routeWebSocket(/\/ws$/, socket => {
      const data = { symbol: 'AAPL', price: 100 }
      socket.send(JSON.stringify({ type: 'market_data', data }))
    })
    await page.goto(demo.url)
    await page.waitForSelector('[data-flow=live]')
    await page.waitForSelector('[data-flow=none]')
    expect(await text('status')).toBe('Connected')
  })

  it('what another tab does to the server or the network is shown in this one', async () => {
    await open()
    await act('stop-server')
    await page.waitForSelector('#server-word:text("stopped")')
    await page.waitForSelector('text=Start the server')
    await act('slow')
    await page.waitForSelector('#network-word:text("slow")')
  })

  it('draws the trend in the colour of the change beside it', async () => {
    context = await browser.newContext()
    page = await context.newPage()
    // Up within the minute, down since the start, and the other way round.
    const quotes = [
      ['AAPL', 100, -5],
      ['AAPL', 101, -4],
      ['MSFT', 100, 5],
      ['MSFT', 99, 4],
    ].map(([symbol, price, changePercent]) => ({
      type: 'market_data',
      data: { symbol, price, changePercent },
    }))
    await page.routeWebSocket(/\/ws$/, socket => {
      for (const quote of quotes) socket.send(JSON.stringify(quote))
    })
    await page.goto(demo.url)
    await page.waitForFunction(() => document.querySelectorAll('#prices tr').length === 2)
    await page.waitForFunction(() =>
      /99/.test(document.querySelector('#prices')?.textContent ?? ''),
    )
    const colors = await page.$$eval('#prices tr', rows =>
      rows.map(row =>
        ['.change', '.sparkline'].map(
          name => getComputedStyle(row.querySelector(name) as Element).color,
        ),
      ),
    )
    const [down, up] = ['rgb(196, 43, 60)', 'rgb(11, 122, 83)']
    expect(colors).toEqual([
      [down, down],
      [up, up],
    ])
  })

  it('fits a page of 320 px also with long names, large prices and ages of minutes', async () => {
    context = await browser.newContext({ viewport: { width: 320, height: 700 } })
    page = await context.newPage()
    await page.clock.install()
    await page.routeWebSocket(/\/ws$/, socket => {
      const data = { symbol: 'BTCUSDT', price: 123456.78, changePercent: -12.34 }
      socket.send(JSON.stringify({ type: 'market_data', data }))
    })
    await page.goto(demo.url)
    await page.waitForSelector('#prices tr')
    await page.clock.fastForward('45:00')
    await page.waitForSelector('td.age:text("45 min")')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320)
  })

  it('has no card at 1280 by 720 that is blank in its lower part', async () => {
    await open(HURRY, { viewport: { width: 1280, height: 720 } })
    await page.waitForFunction(() => document.querySelectorAll('#prices tr').length === 9)
    const blank = await page.$$eval('.card', cards =>
      cards.map(card => {
        const leaves = [...card.querySelectorAll('*')].filter(
          each => !each.firstElementChild && each.checkVisibility() && each.clientHeight > 0,
        )
        const lowest = Math.max(...leaves.map(each => each.getBoundingClientRect().bottom))
        return [card.className, Math.round(card.getBoundingClientRect().bottom - lowest)] as const
      }),
    )
    expect(blank.filter(([, pixels]) => pixels > 50)).toEqual([])
  })

  describe.each(['light', 'dark'] as const)('%s', colorScheme => {
    it('axe finds nothing, nothing sticks out at 320 px, and no status is left in capitals, whatever happens', async () => {
      await open(`${HURRY}&afterMs=1500&retryMs=1000`, { colorScheme })
      await page.evaluate(axe.source)
      await firstPrice()
      const found: Record<string, unknown> = {}
      const look = async (what: string): Promise<void> => {
        for (const width of [1440, 390, 320]) {
          await page.setViewportSize({ width, height: 900 })
          const faults = await page.evaluate(async () => {
            const { run } = (globalThis as unknown as { axe: typeof axe }).axe
            const { violations } = await run(document)
            const { scrollWidth, clientWidth } = document.documentElement
            return [
              ...violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
              ...(scrollWidth > clientWidth ? [`sideways by ${scrollWidth - clientWidth}`] : []),
              ...(document.body.innerText.match(
                /.*\b(OPEN|CLOSED|CONNECTING|RECONNECTING|FALLBACK|ERROR)\b.*/g,
              ) ?? []),
            ]
          })
          if (faults.length) found[`${what}, ${width} px`] = faults
        }
      }
      await look('connected')
      await press('stop-server')
      await status('RECONNECTING')
      await page.fill('#send-text', 'waits')
      await page.click('text="Send"')
      await look('reconnecting')
      await page.waitForSelector('text=On fallback: no answer')
      await page.waitForSelector('tr.stale')
      await look('server stopped')
      await press('start-server')
      await status('OPEN')
      await press('block-websocket')
      await page.waitForSelector('[data-flow=polling]')
      await pricesMove()
      await look('WebSocket blocked')
      await press('heal')
      await status('OPEN')
      await page.click('text="Disconnect"')
      await status('CLOSED')
      await look('disconnected')
      expect(found).toEqual({})
    })
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
