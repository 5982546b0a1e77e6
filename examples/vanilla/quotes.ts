/** What a message says about prices: the companion server's own, or those of a recorded exchange. */
import type { IncomingEnvelope } from 'resilient-websocket'

export interface Quote {
  readonly symbol: string
  readonly price: number
  /** In percent, where the source says so. */
  readonly changePercent?: number
}

type Fields = Record<string, unknown>

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

/** Binance's bookTicker: `{ u, s, b, B, a, A }`, the best bid and ask. */
export const isBestPrice = (message: IncomingEnvelope): boolean => {
  const { e, b, a } = fieldsOf(message.data)
  return e === undefined && typeof b === 'string' && typeof a === 'string'
}

const quoteOf = (data: Fields): Quote | undefined => {
  const { symbol, price, changePercent, s, e, p, b, a, product_id: product } = data
  if (typeof symbol === 'string' && typeof price === 'number') {
    return { symbol, price, ...(typeof changePercent === 'number' && { changePercent }) }
  }
  if (typeof s === 'string' && e === 'trade') return { symbol: s, price: Number(p) }
  if (typeof s === 'string' && e === undefined && b && a) {
    return { symbol: s, price: (Number(b) + Number(a)) / 2 }
  }
  // Coinbase: ticker and match.
  if (typeof product === 'string' && price) return { symbol: product, price: Number(price) }
  return undefined
}

/** The messages inside one that came by polling, or the message itself. */
export const unwrap = (message: IncomingEnvelope): readonly IncomingEnvelope[] => {
  if (message.type !== 'snapshot') return [message]
  const { data } = fieldsOf(message.data)
  return Array.isArray(data) ? data : []
}

export const quotesIn = (message: IncomingEnvelope): readonly Quote[] =>
  unwrap(message)
    .map(each => quoteOf(fieldsOf(each.data)) ?? quoteOf(fieldsOf(each)))
    .filter(quote => quote !== undefined && Number.isFinite(quote.price)) as Quote[]
