/** Everything the page knows of the market. Fed with messages; knows nothing of connections. */
import { withHistory, withPrice } from './bars'
import { createIntegrity, type Integrity } from './integrity'
import {
  type Alert,
  alertIn,
  type Bar,
  type MarketData,
  type Message,
  marketDataIn,
  messagesIn,
  orderUpdateIn,
  type Signal,
  signalIn,
} from './messages'
import { createOrders, type Orders } from './orders'
import { createStore, type Store } from './store'

export interface Quote extends Required<Omit<MarketData, 'source'>> {
  /** Where it comes from, if not from the market. */
  readonly source: string | undefined
  /** When the market said so, by this machine's clock, ms since the epoch. */
  readonly at: number
  /** Which way the price went last, and how often it has moved: what makes it flash. */
  readonly direction: 'up' | 'down' | undefined
  readonly moves: number
}

export type Notice<Kind> = Kind & { readonly id: string; readonly at: number }

export interface Desk {
  quote(symbol: string): Store<Quote | undefined>
  bars(symbol: string): Store<readonly Bar[]>
  readonly signals: Store<readonly Notice<Signal>[]>
  readonly alerts: Store<readonly Notice<Alert>[]>
  readonly orders: Orders
  readonly integrity: Integrity
  /** Prices come from the second source: the market server is away. */
  readonly standby: Store<boolean>
  /** Until when the market wants us to slow down, ms since the epoch. */
  readonly slowUntil: Store<number>
  /** The symbol on the chart and in the ticket. */
  readonly selected: Store<string>
  /** Told of each message at once, to count it. */
  count(message: Message): void
  /** Shows messages; a batch at a time is enough. */
  take(messages: readonly Message[]): void
  history(symbol: string, bars: readonly Bar[]): void
}

const NOTICES_KEPT = 60

const byName = <Value>(first: Value): ((name: string) => Store<Value>) => {
  const stores = new Map<string, Store<Value>>()
  return name => {
    const known = stores.get(name) ?? createStore(first)
    stores.set(name, known)
    return known
  }
}

export const createDesk = (symbol: string): Desk => {
  const quote = byName<Quote | undefined>(undefined)
  const bars = byName<readonly Bar[]>([])
  const signals = createStore<readonly Notice<Signal>[]>([])
  const alerts = createStore<readonly Notice<Alert>[]>([])
  const orders = createOrders()
  const integrity = createIntegrity()
  const standby = createStore(false)
  /** How far the server's clock is from ours, at most: the fastest message tells best. */
  let clockOffsetMs = Number.POSITIVE_INFINITY
  let noticed = 0
  const firstPrices = new Map<string, number>()

  const localTime = ({ timestamp, channel }: Message): number => {
    const now = Date.now()
    if (timestamp === undefined) return now
    // What was asked for may be old; only what comes by itself tells of the clock.
    if (channel !== undefined) clockOffsetMs = Math.min(clockOffsetMs, now - timestamp)
    return timestamp + (Number.isFinite(clockOffsetMs) ? clockOffsetMs : 0)
  }

  const priced = (data: MarketData, message: Message): void => {
    const at = localTime(message)
    const store = quote(data.symbol)
    const before = store.get()
    const moved = before && before.price !== data.price
    const first = firstPrices.get(data.symbol) ?? data.price
    firstPrices.set(data.symbol, first)
    store.set({
      // Of a feed that names no change: since the page was opened.
      change: data.price - first,
      changePercent: (data.price / first - 1) * 100,
      volume: 0,
      source: undefined,
      ...data,
      at,
      direction: moved ? (data.price > before.price ? 'up' : 'down') : before?.direction,
      moves: (before?.moves ?? 0) + (moved ? 1 : 0),
    })
    standby.set(data.source !== undefined)
    const history = bars(data.symbol)
    history.set(withPrice(history.get(), data.price, message.timestamp ?? at))
  }

  const notice = <Kind>(
    store: Store<readonly Notice<Kind>[]>,
    kind: Kind,
    message: Message,
  ): void => {
    const id = message.id ?? `${noticed++}`
    if (store.get().some(known => known.id === id)) return
    const notices = [{ ...kind, id, at: localTime(message) }, ...store.get()]
    // The answer to `recent` may bring older ones than those that have come meanwhile.
    store.set(notices.sort((one, other) => other.at - one.at).slice(0, NOTICES_KEPT))
  }

  const show = (message: Message): void => {
    const data = marketDataIn(message)
    if (data) return priced(data, message)
    const signal = signalIn(message)
    if (signal) return notice(signals, signal, message)
    const alert = alertIn(message)
    if (alert) return notice(alerts, alert, message)
    const update = orderUpdateIn(message)
    if (update) return orders.updated(update)
    // What stands in a snapshot is the newest known, not a message of its channel.
    for (const inner of messagesIn(message)) show(inner)
  }

  return {
    quote,
    bars,
    signals,
    alerts,
    orders,
    integrity,
    standby,
    slowUntil: createStore(0),
    selected: createStore(symbol),
    count({ type, channel, offset }) {
      if (channel === undefined || offset === undefined || type === 'snapshot') return
      integrity.arrived(channel, offset)
    },
    take(messages) {
      for (const message of messages) show(message)
    },
    history(name, past) {
      const store = bars(name)
      store.set(withHistory(store.get(), past))
    },
  }
}
