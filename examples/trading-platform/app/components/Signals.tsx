'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useStore } from '@/app/hooks/useStore'
import { formatClock, formatPrice } from '@/app/market/format'

export const Signals = () => {
  const desk = useDesk()
  const signals = useStore(desk.signals)
  return (
    <section className="panel signals" aria-labelledby="signals">
      <h2 id="signals">Signals</h2>
      {signals.length ? (
        <ol className="scroll">
          {signals.map(({ id, at, symbol, action, price, confidence }) => (
            <li key={id}>
              <button type="button" onClick={() => desk.selected.set(symbol)}>
                <time>{formatClock(at)}</time>
                <b>{symbol}</b>
                <span className="side" data-side={action}>
                  {action === 'buy' ? 'Buy' : 'Sell'} {formatPrice(price)}
                </span>
                <span className="confidence" title="Confidence">
                  {Math.round(confidence * 100)}%
                </span>
              </button>
            </li>
          ))}
        </ol>
      ) : (
        <p className="empty">None yet. About five a minute come.</p>
      )}
    </section>
  )
}
