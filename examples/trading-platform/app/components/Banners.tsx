'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useNow } from '@/app/hooks/useNow'
import { useResilientWebSocket } from '@/app/hooks/useResilientWebSocket'
import { useStore } from '@/app/hooks/useStore'
import { formatClock } from '@/app/market/format'

/** On the fallback: longer than it takes from poll to poll. */
const SILENT_MS = 10_000

/** What the trader has to know beyond the badge: how old the prices are, and what happens to orders. */
export const Banners = () => {
  const { socket, status, stateHistory, error } = useResilientWebSocket()
  const desk = useDesk()
  const slowUntil = useStore(desk.slowUntil)
  const standby = useStore(desk.standby)
  const now = useNow()
  // A first connection and a hiccup are no news.
  const since = stateHistory.at(-1)?.timestamp ?? 0
  const lasting = now !== undefined && now - since > 1000
  const { lastMessageAt } = socket.getSnapshot()
  const heardAt = Math.max(since, lastMessageAt ?? 0)
  const silent = now !== undefined && now - heardAt > SILENT_MS
  const asOf =
    lastMessageAt === null ? 'No prices yet.' : `Prices as of ${formatClock(lastMessageAt)}.`
  return (
    <section className="banners" aria-label="Notices">
      {now !== undefined && slowUntil > now && (
        <p className="banner" data-tone="yellow" data-testid="rate-limit" role="status">
          <b>The market asks us to slow down.</b> Orders wait a moment, then go on by themselves.
        </p>
      )}
      {status === 'RECONNECTING' && lasting && (
        <p className="banner" data-tone="yellow">
          <b>Connection lost.</b> {asOf} Orders wait here and go out once.
        </p>
      )}
      {status === 'FALLBACK' && silent && (
        <p className="banner" data-tone="yellow">
          <b>Nothing gets through.</b> Neither WebSocket nor HTTP brings prices. {asOf} Orders wait
          here and go out once.
        </p>
      )}
      {status === 'FALLBACK' && !silent && (
        <p className="banner" data-tone="blue">
          {standby ? (
            <>
              <b>The market server is away.</b> Prices are of a second source, every few seconds.
              Orders wait here and go out once. It goes back to live by itself.
            </>
          ) : (
            <>
              <b>No WebSocket gets through.</b> Prices are polled every few seconds, and it goes
              back to live by itself.
            </>
          )}
        </p>
      )}
      {status === 'ERROR' && (
        <p className="banner" data-tone="red">
          <b>The connection was refused.</b> {error?.message} {asOf}
        </p>
      )}
      {status === 'CLOSED' && lasting && (
        <p className="banner" data-tone="red">
          <b>Disconnected.</b> {asOf} Orders wait here until you connect again.
        </p>
      )}
    </section>
  )
}
