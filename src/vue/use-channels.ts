/** Channels, and the newest message of each. */
import {
  effectScope,
  type MaybeRefOrGetter,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'
import {
  type Channels,
  channelList,
  createChannelStore,
  NOTHING,
} from '../adapters/channel-store.ts'
import type { SharedClients } from '../adapters/shared-clients.ts'
import { useClient } from './client.ts'
import type { ReactiveChoice } from './reactive-choice.ts'

/** `useSubscription`, with clients of any entry of the package. */
export const useChannels = <Incoming, Outgoing>(
  clients: SharedClients,
  channels: MaybeRefOrGetter<Channels>,
  onMessage: ((message: Incoming, channel: string) => void) | undefined,
  options: ReactiveChoice<Incoming, Outgoing>,
): Readonly<ShallowRef<ReadonlyMap<string, Incoming>>> => {
  const shown = shallowRef<ReadonlyMap<string, Incoming>>(NOTHING)

  useClient(clients, options, socket => {
    const newest = createChannelStore<Incoming, Outgoing>(socket)
    shown.value = newest.get()
    const off = newest.subscribe(() => {
      shown.value = newest.get()
    })
    // A scope of its own: Vue 3.4 trips over a watcher that ends while the component's scope is ending.
    const scope = effectScope(true)
    scope.run(() =>
      watch(
        () => JSON.stringify(channelList(toValue(channels))),
        (names, _before, onCleanup) =>
          onCleanup(
            newest.listen(JSON.parse(names), (message, channel) => onMessage?.(message, channel)),
          ),
        { immediate: true },
      ),
    )
    return () => {
      scope.stop()
      off()
    }
  })

  return shown
}
