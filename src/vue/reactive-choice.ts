/** Options that may be refs, and their values at one moment. */
import type { ResilientWebSocket } from 'resilient-websocket'
import { isRef, type MaybeRef, type MaybeRefOrGetter, type Ref, toRaw, toValue } from 'vue'
import type { Choice } from '../adapters/client-target.ts'
import type { ClientChoice } from '../adapters/options.ts'
import type { Provided } from './provider.ts'

/**
 * Which client to use. Options that may be refs may change: another `url`, `protocols`, `identity` or `socket` means
 * another client, another `token` is passed on to the server.
 */
export interface ReactiveChoice<Incoming, Outgoing>
  extends Omit<
    ClientChoice<Incoming, Outgoing>,
    'url' | 'protocols' | 'token' | 'identity' | 'enabled' | 'socket'
  > {
  /** As for the client, or a ref, such as `computed(() => props.url)`. A function is asked on every dial, not tracked. @default 'ws://localhost:3001/ws' */
  url?: ClientChoice<Incoming, Outgoing>['url'] | Ref<string | URL>
  /** As for the client, or a ref. A function is asked on every dial, not tracked. @default none */
  protocols?: ClientChoice<Incoming, Outgoing>['protocols'] | Ref<string | readonly string[]>
  /**
   * As for the client, or a ref, such as `computed(() => session.token)`: another string is told to the server without
   * reconnecting. A function is asked when a token is needed, not tracked. @default none
   */
  token?: ClientChoice<Incoming, Outgoing>['token'] | Ref<string | undefined>
  /** As for the client, or a ref or getter: another user means another client. @default none */
  identity?: MaybeRefOrGetter<string | null | undefined>
  /** Whether to connect once on the page. @default true */
  enabled?: MaybeRefOrGetter<boolean | undefined>
  /**
   * A client of your own, or a ref of it: it is only listened to. `null` or `undefined`: there is none yet, and
   * nothing is dialed; the status is CONNECTING, or CLOSED where `enabled` is false.
   */
  socket?: MaybeRef<ResilientWebSocket<Incoming, Outgoing> | null | undefined>
}

/** The options as they are now; those of the provider's client where one was injected. */
export const readChoice = <Incoming, Outgoing>(
  options: ReactiveChoice<Incoming, Outgoing>,
  provided: Provided | undefined,
): Choice<Incoming, Outgoing> => {
  const now = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, isRef(value) ? value.value : value]),
  ) as Choice<Incoming, Outgoing>
  if (options.identity !== undefined) now.identity = toValue(options.identity)
  now.enabled = toValue(options.enabled) !== false
  if (provided !== undefined) now.socket = toValue(provided)
  // A client in a `ref` instead of a `shallowRef` comes as a proxy.
  if (now.socket) now.socket = toRaw(now.socket)
  return now
}
