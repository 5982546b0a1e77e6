/** A real recording through server, proxy and page, in a real browser. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterEach, describe, expect, it } from 'vitest'
import type { IncomingEnvelope } from '../../src/index.ts'
import { explainMissing, hasChromium, launch } from './chromium.ts'
import { type Demo, startDemo } from './demo.ts'
import './page.ts'

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url))

type Replay = [file: string, speed: number]
const MINUTE: Replay = ['binance-spot-btcusdt-60s.ndjson.gz', 10]
/** 41,249 frames, eight minutes for both: for those who set WHOLE_REPLAY. */
const WHOLE: Replay[] = [
  ['spot_btcusdt_20240808.gz', 10],
  ['spot_btcusdt_20240808.gz', 1],
]
const LONGEST_MS = 420_000

explainMissing()
const hasData = existsSync(DATA)
if (!hasData) console.warn(`\nSKIPPED: there are no recordings in ${DATA}\n`)

/** What names a frame: its kind and the exchange's own number. */
interface Named {
  readonly e?: string
  readonly t?: number
  readonly u?: number
}

const nameOf = ({ e, t, u }: Named): string => `${e ?? 'bookTicker'} ${e === 'trade' ? t : u}`
const isTrade = (name: string): boolean => name.startsWith('trade ')

/** The frame of a line: `{"t", "d", "m"}`, or `<receive ns> <frame>`. */
const frameOf = (line: string): string => {
  if (/^\d/.test(line)) return line.slice(line.indexOf(' ') + 1)
  const { d, m } = JSON.parse(line) as { d: string; m: string }
  return d === 'in' ? m : '{}'
}

/** The frames of Binance's combined streams in a recording, in order. */
const recorded = (file: string): string[] =>
  gunzipSync(readFileSync(`${DATA}${file}`))
    .toString()
    .trim()
    .split('\n')
    .map(line => JSON.parse(frameOf(line)))
    .filter(({ stream }) => stream)
    .map(({ data }) => nameOf(data))

interface Listening {
  /** Names of what came as `message` and in a `batch`. */
  heard: Named[]
  batched: Named[]
}

/** Listens before the page connects, so that not even the first frame is missed. */
const listen = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const lists: Listening = { heard: [], batched: [] }
    let demo: Window['__demo']
    const keep = (list: Named[], { channel, data }: IncomingEnvelope): void => {
      const { e, t, u } = data as Required<Named>
      if (channel === 'BTCUSDT') list.push({ e, t, u })
    }
    Object.defineProperty(window, '__demo', {
      get: () => demo,
      set(created: Window['__demo']) {
        demo = created
        demo.socket.on('message', message => keep(lists.heard, message))
        demo.socket.on('batch', messages => {
          for (const message of messages) keep(lists.batched, message)
        })
      },
    })
    Object.assign(window, { lists })
  })

describe.skipIf(!hasChromium || !hasData)('a recording of Binance', () => {
  let demo: Demo | undefined
  let browser: Browser | undefined

  afterEach(async () => {
    await browser?.close()
    await demo?.stop()
  })

  it.each([MINUTE, ...(process.env['WHOLE_REPLAY'] ? WHOLE : [])])(
    '%s at speed %i: every frame once and in order, and conflating bookTicker loses no trade',
    async (file, speed) => {
      const expected = recorded(file)
      const trades = expected.filter(isTrade)
      expect(trades.length).toBeGreaterThan(1000)

      demo = await startDemo('--replay', `${DATA}${file}`, '--speed', `${speed}`)
      browser = await launch()
      const page = await browser.newPage()
      await listen(page)
      await page.goto(demo.url)
      const read = (): Promise<Listening> =>
        page.evaluate(() => (window as unknown as { lists: Listening }).lists)
      await page.waitForFunction(
        all => {
          const { heard, batched } = (window as unknown as { lists: Listening }).lists
          const newest = (list: Named[]): string => JSON.stringify(list.at(-1))
          return heard.length >= all && newest(heard) === newest(batched)
        },
        expected.length,
        { timeout: LONGEST_MS, polling: 500 },
      )

      // The recording begins again after its end.
      const { heard, batched } = await read()
      expect(heard.slice(0, expected.length).map(nameOf)).toEqual(expected)
      expect(batched.map(nameOf).filter(isTrade).slice(0, trades.length)).toEqual(trades)
      expect(batched.length).toBeLessThan(heard.length)
      const tally = await page.evaluate(() => window.__demo.tally)
      expect(tally).toMatchObject({ missing: 0, doubled: 0, missed: 0, gaps: 0 })
      expect(await page.textContent('[data-testid=price-BTCUSDT]')).toMatch(/^\d\d,\d{3}\.\d{2}$/)
      expect(await page.locator('#prices tr').count()).toBe(1)
    },
    LONGEST_MS,
  )
})
