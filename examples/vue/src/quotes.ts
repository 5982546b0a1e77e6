/** Quotes out of messages. */
import type { IncomingEnvelope } from 'resilient-websocket'

export const SYMBOLS = ['AAPL', 'GOOGL', 'MSFT', 'AMZN', 'NVDA', 'TSLA', 'META', 'NFLX', 'BTC']

export interface Quote {
  readonly symbol: string
  readonly price: number
  readonly changePercent: number
}

/** Undefined for any other message. */
export const quoteIn = ({ type, data }: IncomingEnvelope): Quote | undefined => {
  if (type !== 'market_data') return undefined
  const { symbol, price, changePercent } = data as Partial<Quote>
  return symbol !== undefined && price !== undefined && changePercent !== undefined
    ? { symbol, price, changePercent }
    : undefined
}

const format = new Intl.NumberFormat('en-US', {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
})

export const formatPrice = (value: number): string => format.format(value)

/** With its sign, and a real minus. */
export const formatPercent = (value: number): string =>
  `${value < 0 ? '\u2212' : '+'}${format.format(Math.abs(value))}%`
