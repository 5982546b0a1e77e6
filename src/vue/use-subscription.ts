/** Channels, and the newest message of each. */
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import {
  effectScope,
  type MaybeRefOrGetter,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'
import { type Channels, channelList, createNewest, NOTHING } from '../adapters/channel-store.ts'
import { type ReactiveChoice, useClient } from './client.ts'

/**
 * Listens to channels as long as the component (or scope) lives, also after every reconnect. Returns
 * the newest message of each channel that has had one; the Map changes at most once per batch window.
 *
 * ```ts
 * const prices = useSubscription(['AAPL', 'MSFT'])
 * const apple = computed(() => prices.value.get('AAPL')?.data)
 * ```
 *
 * @param channels One or more, or a ref or getter of them. Nothing (an empty array, `undefined`, `null`, `false`,
 * `''`), also inside an array, listens to nothing: for what is not known yet.
 * @param onMessage Called with each message and its channel, at once.
 * @param options Which client, as for `useResilientWebSocket`.
 */
export const useSubscription = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  channels: MaybeRefOrGetter<Channels>,
  onMessage?: ((message: Incoming, channel: string) => void) | undefined,
  options: ReactiveChoice<Incoming, Outgoing> = {},
): Readonly<ShallowRef<ReadonlyMap<string, Incoming>>> => {
  const shown = shallowRef<ReadonlyMap<string, Incoming>>(NOTHING)

  useClient(options, socket => {
    const newest = createNewest<Incoming, Outgoing>(socket)
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
