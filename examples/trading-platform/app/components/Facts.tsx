'use client'
import { useNow } from '@/app/hooks/useNow'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { WS_URL } from '@/app/market/connection'
import { formatDuration } from '@/app/market/format'

export const Facts = () => {
  const { socket, status, connect, disconnect, reconnect } = useResilientWebSocket()
  const now = useNow()
  const { phase, attempt, transport, latencyMs, queued, sessionId, connectedAt, error } =
    socket.getSnapshot()
  const metrics = socket.metrics()
  const facts: [string, string][] = [
    ['Server', WS_URL],
    ['Status', now === undefined ? '' : `${status}, ${phase}`],
    ['Link', transport ?? 'none'],
    ['Connected for', now && connectedAt ? formatDuration(now - connectedAt) : '\u2013'],
    ['Redials since stable', String(attempt)],
    ['Round trip', latencyMs === null ? '\u2013' : `${latencyMs.toFixed(1)} ms`],
    ['Waiting to be sent', String(queued)],
    ['Messages received', String(metrics.message ?? 0)],
    ['Duplicates suppressed', String(metrics.duplicate ?? 0)],
    ['Gaps told', String(metrics.gap ?? 0)],
    ['Session', sessionId ?? '\u2013'],
    ['Last error', error ? `${error.code}: ${error.message}` : 'none'],
  ]
  return (
    <section className="panel facts" aria-labelledby="facts">
      <div className="headline">
        <h2 id="facts">Connection</h2>
        <span className="buttons">
          {status === 'CLOSED' ? (
            <button type="button" onClick={connect}>
              Connect
            </button>
          ) : (
            <button type="button" onClick={disconnect}>
              Disconnect
            </button>
          )}
          <button type="button" onClick={reconnect}>
            Reconnect
          </button>
        </span>
      </div>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{now === undefined ? '' : value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
