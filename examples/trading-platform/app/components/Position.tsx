'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useQuote } from '@/app/hooks/useQuote'
import { useStore } from '@/app/hooks/useStore'
import { formatPrice, formatSigned } from '@/app/market/format'
import type { Order } from '@/app/market/orders'

/** What the filled orders of a symbol add up to. */
const positionIn = (orders: readonly Order[], symbol: string) => {
  let quantity = 0
  let spent = 0
  for (const order of orders) {
    if (order.symbol !== symbol || order.state !== 'filled' || order.price === null) continue
    const signed = order.side === 'buy' ? order.quantity : -order.quantity
    quantity += signed
    spent += signed * order.price
  }
  return { quantity, spent }
}

export const Position = () => {
  const desk = useDesk()
  const symbol = useStore(desk.selected)
  const { quote, stale } = useQuote(symbol)
  const { quantity, spent } = positionIn(useStore(desk.orders.list), symbol)
  const gain = quote ? quantity * quote.price - spent : 0
  const known = quantity !== 0 || spent !== 0
  return (
    <dl className="position" data-stale={stale}>
      <div>
        <dt>Position</dt>
        <dd data-testid="position">{quantity}</dd>
      </div>
      <div>
        <dt>Average</dt>
        <dd>{quantity ? formatPrice(spent / quantity) : '\u2013'}</dd>
      </div>
      <div>
        <dt>Gain</dt>
        <dd className="change" data-tone={known ? (gain < 0 ? 'down' : 'up') : undefined}>
          {known ? formatSigned(gain) : '\u2013'}
        </dd>
      </div>
    </dl>
  )
}
