/** Channels, for a component that shows the newest message of each. */
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import {
  type Channels,
  channelList,
  createChannelStore,
  NOTHING,
} from '../adapters/channel-store.ts'
import type { ClientChoice } from '../adapters/options.ts'
import type { SharedClients } from '../adapters/shared-clients.ts'
import { useClient, useNewest } from './client.ts'

/** `useSubscription`, with clients of any entry of the package. */
export const useChannels = <Incoming, Outgoing>(
  clients: SharedClients,
  channels: Channels,
  onMessage: ((message: Incoming, channel: string) => void) | undefined,
  options: ClientChoice<Incoming, Outgoing>,
): ReadonlyMap<string, Incoming> => {
  const client = useClient(clients, options)
  const { socket } = client
  const newest = useMemo(() => createChannelStore(socket), [socket])
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
