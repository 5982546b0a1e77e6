/** The composables, with clients of `/basic`: `protocol` has to be given, and `use` names the parts. */
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket/basic'
import type { MaybeRefOrGetter, ShallowRef } from 'vue'
import { basicClients } from '../adapters/basic-clients.ts'
import type { Channels } from '../adapters/channel-store.ts'
import type { ReactiveChoice } from './reactive-choice.ts'
import { useChannels } from './use-channels.ts'
import {
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useConnection,
} from './use-connection.ts'
import { type UseWebSocketResult, useLegacy } from './use-legacy.ts'

/**
 * A connection that keeps itself alive, as long as a component (or another effect scope) uses it.
 *
 * ```ts
 * const { status, sendMessage } = useResilientWebSocket({
 *   url: 'ws://localhost:3001/ws',
 *   protocol: json(),
 *   onMessage: message => console.log(message.type),
 * })
 * ```
 *
 * Callers that name the same url share one client (see `share`); it connects after the first of them
 * is on the page and closes after the last one has left. Without `url` and `socket` the client is the
 * one that `provideResilientWebSocket` named above, else the shared one of the default url. On a
 * server nothing is opened: the status is CONNECTING if `enabled`, else CLOSED.
 */
export const useResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseResilientWebSocketResult<Incoming, Outgoing> => useConnection(basicClients, options)

/**
 * Listens to channels as long as the component (or scope) lives, also after every reconnect. Returns
 * the newest message of each channel that has had one; the Map changes at most once per batch window.
 *
 * ```ts
 * const prices = useSubscription(['AAPL', 'MSFT'], undefined, { protocol: json(), use: [subscriptions()] })
 * const apple = computed(() => prices.value.get('AAPL')?.data)
 * ```
 *
 * @param channels One or more, or a ref or getter of them. Nothing (an empty array, `undefined`, `null`, `false`,
 * `''`), also inside an array, listens to nothing: for a channel that is not known yet.
 * @param onMessage Called with each message and its channel, at once.
 * @param options Which client, as for `useResilientWebSocket`.
 */
export const useSubscription = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  channels: MaybeRefOrGetter<Channels>,
  onMessage?: ((message: Incoming, channel: string) => void) | undefined,
  options: ReactiveChoice<Incoming, Outgoing> = {},
): Readonly<ShallowRef<ReadonlyMap<string, Incoming>>> =>
  useChannels(basicClients, channels, onMessage, options)

/**
 * `useResilientWebSocket` with the five statuses that older code knows: CONNECTING (also while
 * reconnecting), OPEN, CLOSED, ERROR and DISCONNECTED (while on the fallback).
 */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseWebSocketResult<Incoming, Outgoing> => useLegacy(useConnection(basicClients, options))
