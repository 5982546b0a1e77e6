'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useNow } from '@/app/hooks/useNow'
import { useStore } from '@/app/hooks/useStore'
import { formatAge, formatPrice, formatSigned } from '@/app/market/format'
import { SYMBOLS } from '@/app/market/messages'
import { Sparkline } from './Sparkline'

/** A symbol moves about twice a second; polled prices are up to five seconds old. */
const STALE_MS = 8000

/** Younger than this is as good as live. */
const QUIET_MS = 2500

const Row = ({ symbol, now }: { symbol: string; now: number | undefined }) => {
  const desk = useDesk()
  const quote = useStore(desk.quote(symbol))
  const bars = useStore(desk.bars(symbol))
  const selected = useStore(desk.selected) === symbol
  const ageMs = quote && now ? now - quote.at : 0
  const stale = ageMs > STALE_MS
  const age = quote && (ageMs < QUIET_MS ? 'now' : formatAge(ageMs))
  const tone = (quote?.changePercent ?? 0) < 0 ? 'down' : 'up'
  return (
    <tr data-selected={selected} data-stale={stale} onClick={() => desk.selected.set(symbol)}>
      <th scope="row">
        <button type="button" aria-pressed={selected}>
          {symbol}
        </button>
      </th>
      <td className="price" data-testid={`price-${symbol}`}>
        {quote ? (
          <span key={quote.moves} data-direction={quote.moves ? quote.direction : undefined}>
            {formatPrice(quote.price)}
          </span>
        ) : (
          '\u2013'
        )}
      </td>
      <td className="change" data-tone={tone}>
        {quote ? formatSigned(quote.changePercent, '%') : '\u2013'}
      </td>
      <td className="trend">
        <Sparkline bars={bars} tone={tone} />
      </td>
      <td className="age" data-testid={`age-${symbol}`}>
        {stale ? <span title="Older than usual">{formatAge(ageMs)}</span> : age}
      </td>
    </tr>
  )
}

export const Watchlist = () => {
  const now = useNow()
  return (
    <section className="panel watchlist" aria-labelledby="watchlist">
      <h2 id="watchlist">Watchlist</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Symbol</th>
            <th scope="col">Last</th>
            <th scope="col">Change</th>
            <th scope="col">Trend</th>
            <th scope="col">Age</th>
          </tr>
        </thead>
        <tbody>
          {SYMBOLS.map(symbol => (
            <Row key={symbol} symbol={symbol} now={now} />
          ))}
        </tbody>
      </table>
    </section>
  )
}
