/** A simulated market: the same seed gives the same prices. */
import type { Feed, Publisher } from './feed.ts'

export interface MarketOptions {
  /** A whole number; the same seed gives the same prices. @default 1 */
  seed?: number
  /** The time between two rounds of quotes, in ms. @default 250 */
  intervalMs?: number
  /** Called when a publication fails; the market goes on. @default none */
  onError?: (error: unknown) => void
}

/** The data of a `market_data` message. */
export interface Quote {
  /** The symbol, which is the channel, too. */
  readonly symbol: string
  /** The newest price, rounded to cents. */
  readonly price: number
  /** The change of the price since the start. */
  readonly change: number
  /** The same in percent of the price at the start. */
  readonly changePercent: number
  /** Pieces traded since the start. */
  readonly volume: number
}

const START_PRICES: Readonly<Record<string, number>> = {
  AAPL: 227.52,
  GOOGL: 178.35,
  MSFT: 431.31,
  AMZN: 201.7,
  NVDA: 138.07,
  TSLA: 248.98,
  META: 583.83,
  NFLX: 706.13,
  BTC: 61_837.64,
}

/** The channels with quotes. */
export const MARKET_SYMBOLS: readonly string[] = Object.keys(START_PRICES)

/** A small random generator, after Tommy Ettinger's mulberry32: evenly distributed from 0 to 1. */
export const createChance = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const cents = (value: number): number => Math.round(value * 100) / 100

/** Publishes quotes on the channels of their symbols, now and then a `signal` on `signals` and an `alert` on `alerts`. */
export const startMarket = (publisher: Publisher, options: MarketOptions = {}): Feed => {
  const { seed = 1, intervalMs = 250, onError = () => {} } = options
  const chance = createChance(seed)
  const books = Object.entries(START_PRICES).map(([symbol, start]) => ({
    symbol,
    start,
    price: start,
    volume: Math.round(chance() * 1_000_000),
  }))
  let published = 0
  let finish: () => void
  const ended = new Promise<void>(resolve => {
    finish = resolve
  })

  const publish = (channel: string, type: string, data: unknown): void => {
    published++
    publisher.publish(channel, { type, data }).catch(onError)
  }

  const quote = (book: (typeof books)[number]): void => {
    // The sum of three is near enough to normal, and a pull to the start keeps a long run sane.
    const step = (chance() + chance() + chance() - 1.5) * 0.0012
    const pull = Math.log(book.start / book.price) * 0.0005
    book.price *= Math.exp(step + pull)
    book.volume += Math.round(chance() * 900) + 1
    const { symbol, start, volume } = book
    const price = cents(book.price)
    const data: Quote = {
      symbol,
      price,
      change: cents(price - start),
      changePercent: cents((price / start - 1) * 100),
      volume,
    }
    publish(symbol, 'market_data', data)
    if (chance() > 0.996) {
      const action = step > 0 ? 'buy' : 'sell'
      publish('signals', 'signal', { symbol, action, price, confidence: cents(0.5 + chance() / 2) })
    }
    if (Math.abs(step) > 0.00145) {
      publish('alerts', 'alert', {
        symbol,
        level: 'warning',
        message: `${symbol} moves fast`,
        price,
      })
    }
  }

  const timer = setInterval(() => {
    for (const book of books) if (chance() < 0.6) quote(book)
  }, intervalMs)
  for (const book of books) quote(book)

  return {
    ended,
    published: () => published,
    stop() {
      clearInterval(timer)
      finish()
    },
  }
}
