'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { useStore } from '@/app/hooks/useStore'
import { accountOf } from '@/app/market/account'
import { formatClock, formatPrice } from '@/app/market/format'
import type { Order } from '@/app/market/orders'

const FAILURES: Readonly<Record<string, string>> = {
  expired: 'taken back, or it waited too long',
  overflow: 'too many orders were waiting',
  invalid: 'the market could not read it',
  unauthorized: 'you may not trade this',
  refused: 'the market refused it',
  closed: 'the connection was closed',
  identity: 'somebody else logged in',
}

/** What became of the message. */
const delivered = ({ delivery, attempts, failure, reason }: Order): [string, string, string] => {
  if (delivery === 'queued') return ['queued', 'Queued', 'Waits here until the connection is back']
  if (delivery === 'in-flight') {
    const again = attempts > 1 ? `Try ${attempts}: the same order, applied once` : ''
    return ['sent', 'Sent', again]
  }
  if (delivery === 'sent') return ['sent', 'Sent', 'This server does not acknowledge']
  if (delivery === 'acked') return ['acked', 'Acknowledged', 'The market has it']
  if (delivery === 'unknown') return ['unknown', 'Checking', 'Asks the market whether it arrived']
  return ['failed', 'Failed', (failure ? FAILURES[failure] : reason) ?? '']
}

/** What the exchange made of it. */
const outcome = ({ state, price, reason, cancelling }: Order): string => {
  if (state === 'filled') return `Filled at ${formatPrice(price ?? 0)}`
  if (state === 'working') {
    if (cancelling === 'queued') return 'Cancel waits'
    return cancelling ? 'Cancelling' : 'Working'
  }
  if (state === 'cancelled') return 'Cancelled'
  if (state === 'rejected') return reason ?? 'Rejected'
  return ''
}

const Row = ({ order }: { order: Order }) => {
  const desk = useDesk()
  const { socket } = useResilientWebSocket()
  const { orderId, symbol, side, quantity, limit, delivery, state, cancelling } = order
  const [tone, word, words] = delivered(order)
  const cancellable = delivery === 'queued' || (state === 'working' && !cancelling)
  const cancel = (): void => {
    if (delivery === 'queued') desk.orders.takeBack(orderId)
    else {
      const message = { type: 'cancel', data: { orderId, account: accountOf() } }
      desk.orders.cancelling(orderId, socket.send(message))
    }
  }
  return (
    <tr data-testid="order" data-order={orderId} data-delivery={delivery} data-state={state}>
      <td className="time">
        <time dateTime={new Date(order.placedAt).toISOString()}>{formatClock(order.placedAt)}</time>
      </td>
      <td>
        <b className="side" data-side={side}>
          {side === 'buy' ? 'Buy' : 'Sell'}
        </b>{' '}
        {quantity} {symbol}
      </td>
      <td className="at">{limit === null ? 'Market' : formatPrice(limit)}</td>
      <td>
        <span className="chip" data-tone={tone} title={words} data-testid="order-delivery">
          {word}
        </span>
      </td>
      <td className="outcome" data-state={state} data-testid="order-state">
        {outcome(order) || <span className="why">{tone === 'failed' ? words : ''}</span>}
      </td>
      <td className="act">
        {cancellable && (
          <button
            type="button"
            onClick={cancel}
            aria-label={`Cancel ${side} ${quantity} ${symbol}`}
          >
            Cancel
          </button>
        )}
      </td>
    </tr>
  )
}

export const Orders = () => {
  const orders = useStore(useDesk().orders.list)
  return (
    <section className="panel orders" aria-labelledby="orders">
      <h2 id="orders">Orders</h2>
      {orders.length ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also for those who have only a keyboard
        <section className="scroll" tabIndex={0} aria-label="All orders">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Order</th>
                <th scope="col">Price</th>
                <th scope="col">Message</th>
                <th scope="col">Exchange</th>
                <th scope="col">
                  <span className="hidden">Cancel</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {orders.map(order => (
                <Row key={order.orderId} order={order} />
              ))}
            </tbody>
          </table>
        </section>
      ) : (
        <p className="empty">
          No orders yet. One that you place while the connection is down waits here.
        </p>
      )}
    </section>
  )
}
