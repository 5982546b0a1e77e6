/** What the market says, checked: a message of another shape is no message to us. */

export const SYMBOLS = (
  process.env['NEXT_PUBLIC_SYMBOLS'] || 'AAPL,GOOGL,MSFT,AMZN,NVDA,TSLA,META,NFLX,BTC'
).split(',')

/** A message as the library hands it on. */
export interface Message {
  readonly type: string
  readonly data?: unknown
  readonly timestamp?: number
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
}

export interface MarketData {
  readonly symbol: string
  readonly price: number
  readonly change?: number
  readonly changePercent?: number
  readonly volume?: number
  /** Where it comes from, if not from the market. */
  readonly source?: string
}

export interface Signal {
  readonly symbol: string
  readonly action: 'buy' | 'sell'
  readonly price: number
  readonly confidence: number
}

export interface Alert {
  readonly symbol: string
  readonly level: string
  readonly message: string
}

export type ExchangeState = 'working' | 'filled' | 'cancelled' | 'rejected'

export interface OrderUpdate {
  readonly orderId: string
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly quantity: number
  readonly limit: number | null
  readonly state: ExchangeState
  readonly price: number | null
  readonly reason: string | null
  /** By the clock of who placed it, ms since the epoch. */
  readonly placedAt: number
}

/** Start in seconds since the epoch, open, high, low, close. */
export type Bar = readonly [number, number, number, number, number]

type Fields = Readonly<Record<string, unknown>>

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

const isNumber = (value: unknown): value is number => Number.isFinite(value)

/** The exchange's own objects, as a replayed Binance recording brings them: trades, and best bid and ask. */
const binancePrice = ({ e, p, b, a }: Fields): number | undefined => {
  if (e === 'trade' || e === 'aggTrade') return Number(p)
  return typeof b === 'string' && typeof a === 'string' ? (Number(b) + Number(a)) / 2 : undefined
}

/** What a quote says; `change` and `changePercent` are left out where the feed does not know them. */
export const marketDataIn = ({ type, data }: Message): MarketData | undefined => {
  if (type !== 'market_data') return undefined
  const given = fieldsOf(data)
  const symbol = given['symbol'] ?? given['s']
  const price = given['price'] ?? binancePrice(given)
  if (typeof symbol !== 'string' || !isNumber(price)) return undefined
  const { change, changePercent, volume, source } = given
  return {
    symbol,
    price,
    ...(isNumber(change) && { change }),
    ...(isNumber(changePercent) && { changePercent }),
    ...(isNumber(volume) && { volume }),
    ...(typeof source === 'string' && { source }),
  }
}

/** The messages inside a `snapshot`: of one channel, of a whole polled body, or a list of them. */
export const messagesIn = ({ type, data }: Message): readonly Message[] => {
  if (type !== 'snapshot') return []
  const given = fieldsOf(data)
  const list = Array.isArray(data) ? data : Array.isArray(given['data']) ? given['data'] : [given]
  return list.filter((each): each is Message => typeof fieldsOf(each)['type'] === 'string')
}

export const signalIn = ({ type, data }: Message): Signal | undefined => {
  const { symbol, action, price, confidence } = fieldsOf(data)
  return type === 'signal' &&
    typeof symbol === 'string' &&
    (action === 'buy' || action === 'sell') &&
    isNumber(price) &&
    isNumber(confidence)
    ? { symbol, action, price, confidence }
    : undefined
}

export const alertIn = ({ type, data }: Message): Alert | undefined => {
  const { symbol, level, message } = fieldsOf(data)
  return type === 'alert' && typeof symbol === 'string' && typeof message === 'string'
    ? { symbol, level: String(level), message }
    : undefined
}

const orderUpdateOf = (data: unknown): OrderUpdate | undefined => {
  const given = fieldsOf(data)
  return typeof given['orderId'] === 'string' && typeof given['state'] === 'string'
    ? (given as unknown as OrderUpdate)
    : undefined
}

export const orderUpdateIn = ({ type, data }: Message): OrderUpdate | undefined =>
  type === 'order_update' ? orderUpdateOf(data) : undefined

/** The answer to `orders`. */
export const ordersIn = ({ data }: Message): readonly OrderUpdate[] =>
  Array.isArray(data) ? data.map(orderUpdateOf).filter(order => order !== undefined) : []

/** The answer to `history`. */
export const barsIn = ({ data }: Message): readonly Bar[] => {
  const { bars } = fieldsOf(data)
  return Array.isArray(bars) ? (bars as Bar[]) : []
}
