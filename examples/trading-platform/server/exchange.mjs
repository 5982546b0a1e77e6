// @ts-check
/** Takes orders and fills them. What becomes of an order is published on the channel of its account. */

/** @import { Publication } from 'resilient-websocket/server' */

/**
 * @typedef {object} Order
 * @property {string} orderId
 * @property {string} account
 * @property {string} symbol
 * @property {'buy' | 'sell'} side
 * @property {number} quantity
 * @property {number | null} limit
 * @property {'working' | 'filled' | 'cancelled' | 'rejected'} state
 * @property {number | null} price
 * @property {string | null} reason
 * @property {number} placedAt by the clock of who placed it, ms since the epoch
 */

const KEPT = 5000
const NAME = /^[\w-]{8,64}$/

/** @param {string} account */
export const accountChannel = account => `account:${account}`

/**
 * @param {object} host
 * @param {(symbol: string) => number | undefined} host.priceOf
 * @param {(channel: string, publication: Publication) => Promise<unknown>} host.publish
 */
export const createExchange = ({ priceOf, publish }) => {
  /** @type {Map<string, Order>} */
  const orders = new Map()

  /** @param {Order} order */
  const tell = order =>
    publish(accountChannel(order.account), { type: 'order_update', data: { ...order } })

  /** @param {Order} order @param {number} price */
  const crosses = ({ side, limit }, price) =>
    limit === null || (side === 'buy' ? price <= limit : price >= limit)

  /** @param {Record<string, unknown>} given */
  const objection = ({ symbol, side, quantity, limit }) => {
    if (priceOf(String(symbol)) === undefined) return `There is no market in ${symbol}`
    if (side !== 'buy' && side !== 'sell') return 'An order buys or sells'
    if (!Number.isSafeInteger(quantity) || Number(quantity) < 1) return 'The quantity is not valid'
    if (Number(quantity) > 10_000) return 'More than 10,000 need a phone call'
    if (limit !== null && !(Number(limit) > 0)) return 'The limit is not a price'
    return null
  }

  return {
    /**
     * An order that came before is the same order: whoever is unsure may send it again.
     * @param {unknown} data
     */
    async place(data) {
      const given = /** @type {Record<string, unknown>} */ (data ?? {})
      const { orderId, account, symbol, side, quantity, limit = null, placedAt } = given
      if (!NAME.test(String(orderId)) || !NAME.test(String(account))) {
        throw new Error(
          'order: expected { orderId, account, symbol, side, quantity, limit, placedAt }',
        )
      }
      const known = orders.get(String(orderId))
      if (known) return void (await tell(known))
      const reason = objection({ ...given, limit })
      const order = /** @type {Order} */ ({
        orderId,
        account,
        symbol: String(symbol).slice(0, 32),
        side,
        quantity,
        limit,
        state: reason ? 'rejected' : 'working',
        price: null,
        reason,
        placedAt: Number.isFinite(placedAt) ? placedAt : Date.now(),
      })
      orders.set(order.orderId, order)
      if (orders.size > KEPT) orders.delete(/** @type {string} */ (orders.keys().next().value))
      await tell(order)
    },

    /** @param {unknown} data */
    async cancel(data) {
      const { orderId, account } = /** @type {Record<string, unknown>} */ (data ?? {})
      const order = orders.get(String(orderId))
      if (order?.account !== account || order?.state !== 'working') return
      order.state = 'cancelled'
      await tell(order)
    },

    /** What is known of an account's orders, for a page that is not sure. @param {unknown} data */
    ordersOf(data) {
      const { account } = /** @type {Record<string, unknown>} */ (data ?? {})
      return [...orders.values()].filter(order => order.account === account).slice(-200)
    },

    /** A new price may fill what waits for it. @param {string} symbol @param {number} price */
    async priced(symbol, price) {
      for (const order of orders.values()) {
        if (order.state !== 'working' || order.symbol !== symbol || !crosses(order, price)) continue
        order.state = 'filled'
        order.price = price
        await tell(order)
      }
    },
  }
}
