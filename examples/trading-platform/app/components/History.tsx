'use client'
import { useNow } from '@/app/hooks/useNow'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { formatClock, formatDuration } from '@/app/market/format'

const TONES: Readonly<Record<string, string>> = {
  OPEN: 'green',
  CONNECTING: 'yellow',
  RECONNECTING: 'yellow',
  FALLBACK: 'blue',
  CLOSED: 'red',
  ERROR: 'red',
}

const SHOWN_MS = 15 * 60_000

export const History = () => {
  const { stateHistory } = useResilientWebSocket()
  const now = useNow()
  if (now === undefined) return <section className="panel history" />

  const first = stateHistory[0]?.timestamp ?? now
  const start = Math.max(first, now - SHOWN_MS)
  const stretches = stateHistory.map((change, index) => ({
    ...change,
    until: stateHistory[index + 1]?.timestamp ?? now,
  }))
  return (
    <section className="panel history" aria-labelledby="history">
      <h2 id="history">History</h2>
      <div className="timeline" aria-hidden="true">
        {stretches.map(({ to, timestamp, until }) => (
          <i
            key={`${timestamp} ${to}`}
            data-tone={TONES[to]}
            style={{ flexGrow: Math.max(0, until - Math.max(timestamp, start)) }}
          />
        ))}
      </div>
      <p className="scale">
        <span>{formatClock(start)}</span>
        <span>now</span>
      </p>
      <table data-testid="history">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Status</th>
            <th scope="col">Reason</th>
            <th scope="col">Lasted</th>
          </tr>
        </thead>
        <tbody>
          {[...stretches].reverse().map(({ from, to, timestamp, reason, until }) => (
            <tr key={`${timestamp} ${to}`}>
              <td className="time">{formatClock(timestamp)}</td>
              <td>
                <i className="dot" data-tone={TONES[to]} />
                {to} <span className="from">from {from}</span>
              </td>
              <td>{reason}</td>
              <td className="time">{formatDuration(until - timestamp)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
