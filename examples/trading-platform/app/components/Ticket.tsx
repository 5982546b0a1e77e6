'use client'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import type { Status } from 'resilient-websocket'
import { useDesk } from '@/app/hooks/useDesk'
import { useQuote } from '@/app/hooks/useQuote'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { useStore } from '@/app/hooks/useStore'
import { accountOf, newOrderId } from '@/app/market/account'
import { formatAge, formatPrice } from '@/app/market/format'
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

interface QuestionProps {
  /** The last one, and how old it is; undefined if there is none. */
  readonly price: string | undefined
  readonly age: string | undefined
  readonly order: string
  onLimit(price: string): void
  onPlace(): void
  onLeave(): void
}

/** Asks before a market order whose price nobody can tell. The button under a hasty second click sends nothing. */
const Question = ({ price, age, order, onLimit, onPlace, onLeave }: QuestionProps) => {
  const first = useRef<HTMLButtonElement>(null)
  useEffect(() => first.current?.focus(), [])
  return (
    <div className="question" role="alertdialog" aria-labelledby="question" aria-describedby="risk">
      {price === undefined ? (
        <button type="button" ref={first} onClick={onLeave}>
          Do not place it
        </button>
      ) : (
        <button type="button" ref={first} onClick={() => onLimit(price)}>
          Make it a limit order at {price}
        </button>
      )}
      <p>
        <b id="question">
          {price === undefined ? 'There is no price yet.' : `The price is ${age} old.`}
        </b>{' '}
        <span id="risk">A market order takes whatever price there is when it arrives.</span>
      </p>
      <button type="button" data-testid="place-blind" onClick={onPlace}>
        {order} at any price
      </button>
      {price !== undefined && (
        <button type="button" onClick={onLeave}>
          Do not place it
        </button>
      )}
    </div>
  )
}

export const Ticket = () => {
  const desk = useDesk()
  const symbol = useStore(desk.selected)
  const aged = useQuote(symbol)
  const { quote, ageMs, stale } = aged
  const { socket, status } = useResilientWebSocket()
  const [side, setSide] = useState<'buy' | 'sell'>('buy')
  const [kind, setKind] = useState<'market' | 'limit'>('market')
  const [quantity, setQuantity] = useState('10')
  const [limits, setLimits] = useState<Readonly<Record<string, string>>>({})
  const [keepMs, setKeepMs] = useState(10 * MINUTE_MS)

  const limit = limits[symbol] ?? ''
  const setLimit = (text: string): void => setLimits({ ...limits, [symbol]: text })
  // Begins at the price of now and stays there. That of another symbol would be any price.
  const firstLimit =
    kind === 'limit' && quote && !Object.hasOwn(limits, symbol) ? quote.price.toFixed(2) : undefined
  if (firstLimit !== undefined) setLimit(firstLimit)

  const price = kind === 'limit' ? Number(limit) : quote?.price
  /** A market order would take a price that the page does not know. */
  const blind = kind === 'market' && (!quote || stale)
  const order = `${side} ${quantity} ${symbol} ${kind}`
  const [asked, setAsked] = useState<string>()
  const asks = blind && asked === order
  if (!blind && asked !== undefined) setAsked(undefined)
  const valid = Number(quantity) >= 1 && (kind === 'market' || Number(limit) > 0)

  const place = (): void => {
    setAsked(undefined)
    const orderId = newOrderId()
    const placedAt = Date.now()
    const request = {
      symbol,
      side,
      quantity: Number(quantity),
      limit: kind === 'limit' ? Number(limit) : null,
      placedAt,
    }
    const waiting = new AbortController()
    const delivery = socket.send(
      { type: 'order', id: orderId, data: { ...request, orderId, account: accountOf() } },
      { ttlMs: keepMs, signal: waiting.signal },
    )
    desk.orders.placed(orderId, request, delivery, () => waiting.abort())
  }

  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (!valid) return
    if (blind) setAsked(order)
    else place()
  }

  const note = (): string | undefined => {
    if (blind) {
      const why = quote ? `The price is ${formatAge(ageMs)} old` : 'There is no price yet'
      return `${why}: a market order will ask first. ${WAITS[status] ?? ''}`
    }
    if (status === 'OPEN')
      return price ? `About ${formatPrice(price * Number(quantity))}` : undefined
    return `${WAITS[status]}${kind === 'market' ? ' It takes the price of then.' : ''}`
  }

  return (
    <form className="panel ticket" aria-labelledby="ticket" onSubmit={submit}>
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
            onChange={event => setKind(event.target.value as 'market' | 'limit')}
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
      {asks ? (
        <Question
          age={quote && formatAge(ageMs)}
          order={`${side === 'buy' ? 'Buy' : 'Sell'} ${quantity} ${symbol}`}
          price={quote?.price.toFixed(2)}
          onLimit={lastPrice => {
            setLimit(lastPrice)
            setKind('limit')
          }}
          onPlace={place}
          onLeave={() => setAsked(undefined)}
        />
      ) : (
        <button
          type="submit"
          className="place"
          data-side={side}
          data-blind={blind}
          disabled={!valid}
        >
          {side === 'buy' ? 'Buy' : 'Sell'} {quantity || 0} {symbol}
        </button>
      )}
      {!asks && <p className="note">{note()}</p>}
      <Position />
    </form>
  )
}
