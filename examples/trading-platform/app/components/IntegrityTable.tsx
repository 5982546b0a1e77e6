'use client'
import { useDesk } from '@/app/hooks/useDesk'
import { useNow } from '@/app/hooks/useNow'
import { formatWhole } from '@/app/market/format'
import { SYMBOLS } from '@/app/market/messages'

/** The watchlist's order, then the rest. */
const rank = (channel: string): number => SYMBOLS.indexOf(channel) >>> 0

/** Counts by the offsets of every channel, so that "nothing lost" can be checked here. */
export const IntegrityTable = () => {
  const desk = useDesk()
  // Once a second is often enough to read.
  const now = useNow()
  const counts =
    now === undefined
      ? []
      : desk.integrity.counts().sort((one, other) => rank(one.channel) - rank(other.channel))
  return (
    <section className="panel integrity" aria-labelledby="integrity">
      <h2 id="integrity">Nothing lost in silence</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">Received</th>
            <th scope="col">Offsets</th>
            <th scope="col">Missing</th>
            <th scope="col">Doubled</th>
            <th scope="col">Gaps told</th>
          </tr>
        </thead>
        <tbody>
          {counts.map(({ channel, received, first, last, missing, doubled, gaps }) => (
            <tr key={channel} data-testid={`integrity-${channel}`}>
              <th scope="row">{channel.startsWith('account:') ? 'account' : channel}</th>
              <td>{formatWhole(received)}</td>
              <td>{last ? `${first}\u2013${last}` : '\u2013'}</td>
              <td>{missing}</td>
              <td>{doubled}</td>
              <td>{gaps}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
