/** Channels, for a component that shows the newest message of each. */
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import { type Channels, channelList, createNewest, NOTHING } from '../adapters/channel-store.ts'
import type { ClientChoice } from '../adapters/options.ts'
import { useClient, useNewest } from './client.ts'

/**
 * Listens to channels as long as the component is on the page, also after every reconnect. Returns
 * the newest message of each channel that has had one; the Map changes at most once per batch window.
 *
 * ```tsx
 * const prices = useSubscription(['AAPL', 'MSFT'])
 * return <b>{String(prices.get('AAPL')?.data)}</b>
 * ```
 *
 * @param channels One or more; an array written inline is fine. Nothing (an empty array, `undefined`, `null`,
 * `false`, `''`), also inside an array, listens to nothing: for what is not known yet.
 * @param onMessage Called with each message and its channel, at once; the newest function is called.
 * @param options Which client, as for `useResilientWebSocket`.
 */
export const useSubscription = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  channels: Channels,
  onMessage?: ((message: Incoming, channel: string) => void) | undefined,
  options: ClientChoice<Incoming, Outgoing> = {},
): ReadonlyMap<string, Incoming> => {
  const client = useClient(options)
  const { socket } = client
  const newest = useMemo(() => createNewest(socket), [socket])
  const callback = useNewest(onMessage)
  const names = JSON.stringify(channelList(channels))

  // biome-ignore lint/correctness/useExhaustiveDependencies: whether it is usable changes with the socket
  useEffect(() => {
    if (client.usable()) {
      return newest.listen(JSON.parse(names), (message, channel) => {
        if (client.isCurrent()) callback.current?.(message, channel)
      })
    }
    return undefined
  }, [newest, names, callback])

  return useSyncExternalStore(newest.subscribe, newest.get, () => NOTHING)
}
