'use client'
import { type FormEvent, useState } from 'react'
import type { Status } from 'resilient-websocket'
import { useDesk } from '@/app/hooks/useDesk'
import { useQuote } from '@/app/hooks/useQuote'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { useStore } from '@/app/hooks/useStore'
import { accountOf, newOrderId } from '@/app/market/account'
import { formatPrice } from '@/app/market/format'
import { Mark } from './Mark'
import { Position } from './Position'

const MINUTE_MS = 60_000

/** What happens to an order that does not go out at once. */
const WAITS: Partial<Record<Status, string>> = {
  CONNECTING: 'Not live yet: the order waits here and goes out once.',
  RECONNECTING: 'Not live: the order waits here and goes out once.',
  FALLBACK: 'Goes out with the next poll that the market answers, once.',
  CLOSED: 'Disconnected: the order waits here until you connect.',
  ERROR: 'Not live: the order waits here until you connect.',
}

export const Ticket = () => {
  const desk = useDesk()
  const symbol = useStore(desk.selected)
  const aged = useQuote(symbol)
  const { quote, stale } = aged
  const { socket, status } = useResilientWebSocket()
  const [side, setSide] = useState<'buy' | 'sell'>('buy')
  const [kind, setKind] = useState<'market' | 'limit'>('market')
  const [quantity, setQuantity] = useState('10')
  const [limit, setLimit] = useState('')
  const [keepMs, setKeepMs] = useState(10 * MINUTE_MS)

  const price = kind === 'limit' ? Number(limit) : quote?.price
  const valid = Number(quantity) >= 1 && (kind === 'market' || Number(limit) > 0)

  const place = (event: FormEvent): void => {
    event.preventDefault()
    if (!valid) return
    const orderId = newOrderId()
    const placedAt = Date.now()
    const order = {
      symbol,
      side,
      quantity: Number(quantity),
      limit: kind === 'limit' ? Number(limit) : null,
      placedAt,
    }
    const waiting = new AbortController()
    const delivery = socket.send(
      { type: 'order', id: orderId, data: { ...order, orderId, account: accountOf() } },
      { ttlMs: keepMs, signal: waiting.signal },
    )
    desk.orders.placed(orderId, order, delivery, () => waiting.abort())
  }

  return (
    <form className="panel ticket" aria-labelledby="ticket" onSubmit={place}>
      <div className="headline">
        <h2 id="ticket">Order</h2>
        <b>{symbol}</b>
        <Mark {...aged} />
        <span className="unit" data-stale={stale}>
          {quote ? formatPrice(quote.price) : ''}
        </span>
      </div>
      <fieldset className="sides">
        <legend className="hidden">Side</legend>
        {(['buy', 'sell'] as const).map(each => (
          <label key={each} data-side={each}>
            <input
              type="radio"
              name="side"
              checked={side === each}
              onChange={() => setSide(each)}
            />
            {each === 'buy' ? 'Buy' : 'Sell'}
          </label>
        ))}
      </fieldset>
      <div className="fields">
        <label>
          Quantity
          <input
            name="quantity"
            type="number"
            inputMode="numeric"
            min="1"
            max="10000"
            step="1"
            required
            value={quantity}
            onChange={event => setQuantity(event.target.value)}
          />
        </label>
        <label>
          Type
          <select
            name="kind"
            value={kind}
            onChange={event => {
              setKind(event.target.value as 'market' | 'limit')
              if (!limit && quote) setLimit(quote.price.toFixed(2))
            }}
          >
            <option value="market">Market</option>
            <option value="limit">Limit</option>
          </select>
        </label>
        {kind === 'limit' && (
          <label>
            Limit
            <input
              name="limit"
              type="number"
              inputMode="decimal"
              min="0.01"
              step="0.01"
              required
              value={limit}
              onChange={event => setLimit(event.target.value)}
            />
          </label>
        )}
        <label>
          If offline, keep
          <select
            name="keep"
            value={String(keepMs)}
            onChange={event => setKeepMs(Number(event.target.value))}
          >
            <option value={MINUTE_MS}>1 minute</option>
            <option value={10 * MINUTE_MS}>10 minutes</option>
            <option value="Infinity">until sent</option>
          </select>
        </label>
      </div>
      <button type="submit" className="place" data-side={side} disabled={!valid}>
        {side === 'buy' ? 'Buy' : 'Sell'} {quantity || 0} {symbol}
      </button>
      <p className="note">
        {status === 'OPEN' && price
          ? `About ${formatPrice(price * Number(quantity))}`
          : WAITS[status]}
      </p>
      <Position />
    </form>
  )
}
