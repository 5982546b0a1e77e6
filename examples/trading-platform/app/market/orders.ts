/** Orders of this browser tab: what became of the message, and what the exchange says of the order. */
import type { Delivery, DeliveryState, RejectReason } from 'resilient-websocket'
import type { ExchangeState, OrderUpdate } from './messages'
import { createStore, type Store } from './store'

export interface OrderRequest {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly quantity: number
  /** `null`: at the market. */
  readonly limit: number | null
  /** By this machine's clock, ms since the epoch. */
  readonly placedAt: number
}

export interface Order extends OrderRequest {
  readonly orderId: string
  readonly delivery: DeliveryState
  readonly attempts: number
  readonly failure: RejectReason | undefined
  /** What the exchange said last; undefined as long as it has said nothing. */
  readonly state: ExchangeState | undefined
  readonly price: number | null
  readonly reason: string | null
  /** What became of the message that cancels it; undefined if there is none. */
  readonly cancelling: DeliveryState | undefined
}

export interface Orders {
  readonly list: Store<readonly Order[]>
  /** `takeBack` undoes the sending as long as the message waits. */
  placed(orderId: string, request: OrderRequest, delivery: Delivery, takeBack: () => void): void
  takeBack(orderId: string): void
  /** A message that cancels it at the exchange is on its way. */
  cancelling(orderId: string, delivery: Delivery): void
  /** Reads again what became of messages on their way. */
  refresh(): void
  updated(update: OrderUpdate): void
  /**
   * All that the exchange knows. An order whose fate was unknown and that is not among them never arrived; one
   * that was at work has been forgotten.
   */
  reconcile(known: readonly OrderUpdate[]): void
  /** Is there an order whose message may or may not have arrived? */
  unsure(): boolean
}

const KEPT = 100

export const createOrders = (): Orders => {
  const list = createStore<readonly Order[]>([])
  const deliveries = new Map<string, Delivery>()
  const waiting = new Map<string, () => void>()
  const cancels = new Map<string, Delivery>()

  const change = (next: (order: Order) => Order): void => {
    const before = list.get()
    const after = before.map(next)
    if (after.some((order, index) => order !== before[index])) list.set(after)
  }

  const updated = (update: OrderUpdate): void => {
    const { orderId, symbol, side, quantity, limit, state, price, reason, placedAt } = update
    const said = { state, price, reason }
    if (!list.get().some(order => order.orderId === orderId)) {
      const known = { orderId, symbol, side, quantity, limit, ...said }
      const acked = { delivery: 'acked', attempts: 1, failure: undefined } as const
      const order = { ...known, ...acked, placedAt, cancelling: undefined }
      const newestFirst = [order, ...list.get()].sort((one, other) => other.placedAt - one.placedAt)
      list.set(newestFirst.slice(0, KEPT))
    } else {
      change(order => {
        if (order.orderId !== orderId) return order
        // The exchange's word is worth more than a message whose fate we could not learn.
        const delivery = order.delivery === 'unknown' ? 'acked' : order.delivery
        return {
          ...order,
          ...said,
          delivery,
          cancelling: state === 'working' ? order.cancelling : undefined,
        }
      })
    }
  }

  return {
    list,
    updated,
    takeBack: orderId => waiting.get(orderId)?.(),
    cancelling(orderId, delivery) {
      cancels.set(orderId, delivery)
      change(order =>
        order.orderId === orderId ? { ...order, cancelling: delivery.state } : order,
      )
    },
    placed(orderId, request, delivery, takeBack) {
      const { state, attempts, reason } = delivery
      const message = { delivery: state, attempts, failure: reason }
      const exchange = { state: undefined, price: null, reason: null, cancelling: undefined }
      const order = { ...request, orderId, ...message, ...exchange }
      deliveries.set(orderId, delivery)
      waiting.set(orderId, takeBack)
      list.set([order, ...list.get()].slice(0, KEPT))
    },
    refresh() {
      change(order => {
        const cancel = cancels.get(order.orderId)
        if (!cancel || cancel.state === order.cancelling) return order
        // One that was lost may be tried again; of one that arrived the exchange has the last word.
        const lost = cancel.state === 'rejected' || cancel.state === 'unknown'
        if (lost || cancel.state === 'acked') cancels.delete(order.orderId)
        return { ...order, cancelling: lost ? undefined : cancel.state }
      })
      change(order => {
        const delivery = deliveries.get(order.orderId)
        if (!delivery) return order
        const { state, attempts, reason } = delivery
        if (state !== 'queued') waiting.delete(order.orderId)
        if (state !== 'queued' && state !== 'in-flight') deliveries.delete(order.orderId)
        return state === order.delivery && attempts === order.attempts
          ? order
          : { ...order, delivery: state, attempts, failure: reason }
      })
    },
    reconcile(known) {
      for (const update of [...known].reverse()) updated(update)
      const names = new Set(known.map(({ orderId }) => orderId))
      change(order => {
        if (names.has(order.orderId)) return order
        if (order.delivery === 'unknown') {
          return { ...order, delivery: 'rejected', reason: 'It never arrived' }
        }
        return order.state === 'working'
          ? {
              ...order,
              state: 'rejected',
              reason: 'Forgotten by the market',
              cancelling: undefined,
            }
          : order
      })
    },
    unsure: () => list.get().some(({ delivery }) => delivery === 'unknown'),
  }
}
