'use client'
import { useNow } from '@/app/hooks/useNow'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'

const LOOKS: Record<string, [string, string]> = {
  CONNECTING: ['yellow', 'Connecting'],
  OPEN: ['green', 'Connected'],
  RECONNECTING: ['yellow', 'Reconnecting'],
  FALLBACK: ['blue', 'Polling'],
  CLOSED: ['red', 'Disconnected'],
  ERROR: ['red', 'Failed'],
}

/** How the connection is, and what can be done about it. */
export const Indicator = () => {
  const { status, nextRetryAt, reconnect } = useResilientWebSocket()
  const now = useNow()
  const [color, label] = LOOKS[status] ?? ['red', status]
  const seconds =
    now && nextRetryAt ? Math.max(0, Math.ceil((nextRetryAt - now) / 1000)) : undefined
  return (
    <div className="indicator" data-testid="connection" data-color={color} data-status={status}>
      {status !== 'OPEN' && (
        <button type="button" onClick={reconnect}>
          Try now
        </button>
      )}
      {seconds !== undefined && <span className="countdown">next try in {seconds} s</span>}
      <span className="badge" role="status">
        {label}
      </span>
    </div>
  )
}
