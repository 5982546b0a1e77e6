/**
 * Quotes while the market server is down, from a second source. A real platform would ask its
 * vendor's REST interface here; this one goes on from the last prices it has seen.
 */

interface StandbyQuote {
  symbol: string
  price: number
  change: number
  changePercent: number
  volume: number
}

const FIRST: Readonly<Record<string, number>> = {
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

const STEP_MS = 1000
const MOST_STEPS = 60

const cents = (value: number): number => Math.round(value * 100) / 100

const quotes = new Map<string, StandbyQuote>(
  Object.entries(FIRST).map(([symbol, price]) => [
    symbol,
    { symbol, price, change: 0, changePercent: 0, volume: 0 },
  ]),
)
let movedAt = Date.now()

const move = (quote: StandbyQuote): void => {
  const start = quote.price - quote.change
  const price = cents(quote.price * (1 + (Math.random() - 0.5) * 0.001))
  quote.price = price
  quote.change = cents(price - start)
  quote.changePercent = cents((price / start - 1) * 100)
  quote.volume += Math.round(Math.random() * 900)
}

/** Takes over where the market server has been last. */
export const remember = (body: unknown): void => {
  const { data } = (body ?? {}) as { data?: unknown }
  for (const message of Array.isArray(data) ? data : []) {
    const quote = message?.data as Partial<StandbyQuote> | undefined
    if (typeof quote?.symbol !== 'string' || !quote.price || !quotes.has(quote.symbol)) continue
    quotes.set(quote.symbol, { change: 0, changePercent: 0, volume: 0, ...quote } as StandbyQuote)
  }
  movedAt = Date.now()
}

/** In the companion server's form, but without `protocol: 1`: these have no place in its channels. */
export const standbySnapshot = (symbols: readonly string[] | undefined): object => {
  const now = Date.now()
  const steps = Math.min(MOST_STEPS, Math.floor((now - movedAt) / STEP_MS))
  if (steps) movedAt = now
  for (let step = 0; step < steps; step++) for (const quote of quotes.values()) move(quote)
  const data = [...quotes.values()]
    .filter(({ symbol }) => symbols?.includes(symbol) ?? true)
    .map(quote => ({
      type: 'market_data',
      channel: quote.symbol,
      data: { ...quote, source: 'standby' },
      timestamp: now,
    }))
  return { timestamp: now, source: 'standby', count: data.length, data }
}
