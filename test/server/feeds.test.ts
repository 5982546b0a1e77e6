import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { parseLine, route } from '../../src/server/feeds/replay.ts'
import {
  MARKET_SYMBOLS,
  type Publication,
  type Publisher,
  startMarket,
  startReplay,
} from '../../src/server/index.ts'

interface Said extends Publication {
  readonly channel: string
}

const recorder = (): Publisher & { said: Said[] } => {
  const said: Said[] = []
  return {
    said,
    publish: async (channel, publication) => {
      said.push({ channel, ...publication })
      return { epoch: 'e', offset: said.length }
    },
  }
}

describe('the simulated market', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const run = (seed: number): Said[] => {
    const publisher = recorder()
    const market = startMarket(publisher, { seed })
    vi.advanceTimersByTime(600_000)
    market.stop()
    vi.advanceTimersByTime(10_000)
    expect(vi.getTimerCount()).toBe(0)
    expect(market.published()).toBe(publisher.said.length)
    return publisher.said
  }

  test('the same seed gives the same prices, another seed others', () => {
    expect(run(7)).toEqual(run(7))
    expect(run(7)).not.toEqual(run(8))
  })

  test('quotes every symbol at once and then goes on, with numbers that fit each other', () => {
    const said = run(1)
    expect(said.slice(0, MARKET_SYMBOLS.length).map(({ channel }) => channel)).toEqual(
      expect.arrayContaining([...MARKET_SYMBOLS.slice(0, 3)]),
    )
    const quotes = said.filter(({ type }) => type === 'market_data')
    expect(quotes.length).toBeGreaterThan(10_000)
    for (const { channel, data } of quotes) {
      const { symbol, price, change, changePercent, volume } = data as Record<string, number>
      expect(symbol).toBe(channel)
      expect(price).toBeGreaterThan(0)
      expect(Math.abs(Number(changePercent))).toBeLessThan(50)
      expect(Number.isFinite(change) && Number.isInteger(volume)).toBe(true)
    }
    expect(said.some(({ type, channel }) => type === 'signal' && channel === 'signals')).toBe(true)
    expect(said.some(({ type, channel }) => type === 'alert' && channel === 'alerts')).toBe(true)
  })
})

describe('a recording', () => {
  const folder = mkdtempSync(join(tmpdir(), 'replay-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  const write = (name: string, content: string | Buffer): string => {
    const file = join(folder, name)
    writeFileSync(file, content)
    return file
  }

  const LINES = [
    '{"t":0,"d":"open","m":"wss://example.com"}',
    '{"t":1,"d":"out","m":"{\\"op\\":\\"subscribe\\"}"}',
    '{"t":2,"d":"in","m":"{\\"stream\\":\\"btcusdt@trade\\",\\"data\\":{\\"e\\":\\"trade\\",\\"p\\":\\"1\\"}}"}',
    '{"t":3,"d":"in","m":"{\\"type\\":\\"market_data\\",\\"channel\\":\\"AAPL\\",\\"id\\":\\"x\\",\\"data\\":{\\"price\\":2}}"}',
    '{"t":4,"d":"in","m":"[1,\\"heartbeat\\"]"}',
    '{"t":5,"d":"in","m":"not json"}',
  ].join('\n')

  const EXPECTED = [
    { channel: 'BTCUSDT', type: 'market_data', data: { e: 'trade', p: '1' } },
    { channel: 'AAPL', type: 'market_data', id: 'x', data: { price: 2 } },
    { channel: 'replay', type: 'market_data', data: [1, 'heartbeat'] },
    { channel: 'replay', type: 'market_data', data: 'not json' },
  ]

  test.each([
    ['plain', LINES],
    ['with a last line break', `${LINES}\n`],
    ['gzipped', gzipSync(LINES)],
  ])('%s: what came in is published, in order, each on its channel', async (name, content) => {
    const publisher = recorder()
    const replay = startReplay(publisher, write(`${name}.ndjson`, content), { speed: 1000 })
    await replay.ended
    expect(publisher.said).toEqual(EXPECTED)
    expect(replay.published()).toBe(4)
  })

  test('lines with a time in nanoseconds are read too', () => {
    expect(parseLine('1723161253937085768 {"a":1}')).toEqual({
      atMs: 1723161253937.0857,
      text: '{"a":1}',
    })
    expect(route('{"a":1}')).toEqual({
      channel: 'replay',
      publication: { type: 'market_data', data: { a: 1 } },
    })
  })

  test('a line that is none is named with its number', async () => {
    const file = write('bad.ndjson', '{"t":0,"d":"in","m":"1"}\n{"x":1}\n')
    const replay = startReplay(recorder(), file)
    await expect(replay.ended).rejects.toThrow(/bad\.ndjson, line 2: expected/)
  })

  test('a file that is not there is a rejection', async () => {
    await expect(startReplay(recorder(), join(folder, 'none')).ended).rejects.toThrow(/ENOENT/)
  })

  test('a speed that is none is refused', () => {
    for (const speed of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => startReplay(recorder(), 'x', { speed })).toThrow(/speed: expected a number > 0/)
    }
  })

  test('stop() ends it where it is', async () => {
    const publisher = recorder()
    const file = write('slow.ndjson', '{"t":0,"d":"in","m":"1"}\n{"t":3600000,"d":"in","m":"2"}\n')
    const replay = startReplay(publisher, file)
    await expect.poll(() => publisher.said.length).toBe(1)
    replay.stop()
    await replay.ended
    expect(publisher.said).toHaveLength(1)
  })
})
