'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useStore } from '@/app/hooks/useStore'
import { formatClock } from '@/app/market/format'

export const Alerts = () => {
  const desk = useDesk()
  const alerts = useStore(desk.alerts)
  return (
    <section className="panel alerts" aria-labelledby="alerts">
      <h2 id="alerts">Alerts</h2>
      {alerts.length ? (
        <ol className="scroll" aria-live="off">
          {alerts.map(({ id, at, symbol, level, message }) => (
            <li key={id} data-level={level}>
              <button type="button" onClick={() => desk.selected.set(symbol)}>
                <time>{formatClock(at)}</time>
                <span>{message}</span>
              </button>
            </li>
          ))}
        </ol>
      ) : (
        <p className="empty">All quiet.</p>
      )}
    </section>
  )
}
