'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useQuote } from '@/app/hooks/useQuote'
import { useStore } from '@/app/hooks/useStore'
import { formatAge, formatPrice, formatSigned } from '@/app/market/format'
import { SYMBOLS } from '@/app/market/messages'
import { Sparkline } from './Sparkline'

/** Younger than this is as good as live. */
const QUIET_MS = 2500

const Row = ({ symbol }: { symbol: string }) => {
  const desk = useDesk()
  const { quote, ageMs, stale } = useQuote(symbol)
  const bars = useStore(desk.bars(symbol))
  const selected = useStore(desk.selected) === symbol
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
  const standby = useStore(useDesk().standby)
  return (
    <section className="panel watchlist" aria-labelledby="watchlist">
      <div className="headline">
        <h2 id="watchlist">Watchlist</h2>
        {standby && <span className="mark-source">second source</span>}
      </div>
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
            <Row key={symbol} symbol={symbol} />
          ))}
        </tbody>
      </table>
    </section>
  )
}
