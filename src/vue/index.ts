/**
 * Vue composables. They hold no connection logic: they look at a client and let go of it with their scope.
 *
 * @module
 */
import type {
  Delivery,
  IncomingEnvelope,
  OutgoingEnvelope,
  ResilientWebSocket,
  ResilientWebSocketError,
  SendOptions,
  StateChange,
} from 'resilient-websocket'
import {
  computed,
  customRef,
  getCurrentInstance,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  onMounted,
  onScopeDispose,
  provide,
  type Ref,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'
import { type LegacyStatus, legacyStatus } from '../adapters/legacy.ts'
import { createNewest } from '../adapters/newest.ts'
import { isBrowser, obtain, type ShareOptions } from '../adapters/shared.ts'
import { before, type Seen } from '../adapters/view.ts'

export type { LegacyStatus } from '../adapters/legacy.ts'
export type { ShareOptions } from '../adapters/shared.ts'
export type { Seen } from '../adapters/view.ts'

/** The client's options, and what to call. Of the client's options those of the first component that names the `url` count. */
export interface UseResilientWebSocketOptions<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ShareOptions<Incoming, Outgoing> {
  /** Each message, at once, exactly once, while the scope lives. */
  onMessage?: (message: Incoming) => void
  /** The messages of one window. */
  onBatch?: (messages: readonly Incoming[]) => void
  onError?: (error: ResilientWebSocketError) => void
  onStatusChange?: (change: StateChange) => void
}

type Refs<Values> = { readonly [Name in keyof Values]: Readonly<Ref<Values[Name]>> }

export interface UseResilientWebSocketResult<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends Refs<Seen<Incoming>> {
  /** `socket.send`. */
  readonly sendMessage: (message: Outgoing, options?: SendOptions) => Delivery
  readonly connect: () => void
  readonly disconnect: () => void
  readonly reconnect: () => void
  /** The client itself, for everything else. Do not `close()` it while it is shared. */
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
}

/** A client of any messages. */
// biome-ignore lint/suspicious/noExplicitAny: what is provided knows nothing of the types of those who use it
export type AnySocket = ResilientWebSocket<any, any>

const KEY: InjectionKey<AnySocket> = Symbol('resilient-websocket')
const TICK_MS = 1000

/** Names the client for all composables below that name no `socket` or `url` of their own. It stays yours. */
export const provideResilientWebSocket = (socket: AnySocket): void => provide(KEY, socket)

/** On the page: at once in a bare scope, after mounting in a component, so that the first rendering is the server's. */
const whenOnPage = (run: () => void): void => {
  if (getCurrentInstance()) onMounted(run)
  else if (isBrowser()) run()
}

/** The client of a scope, held until that ends. */
const useClient = <I, O>(options: ShareOptions<I, O>): ResilientWebSocket<I, O> => {
  const { enabled = true } = options
  const above = getCurrentInstance() ? inject(KEY, undefined) : undefined
  const given = options.socket ?? (options.url === undefined ? above : undefined)
  if (given) return given
  const entry = obtain(options)
  let release = (): void => {}
  let ended = false
  whenOnPage(() => {
    if (!ended) release = entry.hold(enabled)
  })
  onScopeDispose(() => {
    ended = true
    release()
  })
  return entry.socket
}

/**
 * A connection that keeps itself alive, as refs.
 *
 * ```ts
 * const { status, lastMessage, sendMessage } = useResilientWebSocket({ url: 'wss://example.com/ws' })
 * ```
 *
 * All scopes that name the same `url` share one connection; it is released one macrotask after the last of them has
 * ended. `lastMessage` and `messages` are renewed with each batch. On a server nothing is opened: the status is CONNECTING, or
 * CLOSED where `enabled` is false, and the first rendering in the browser shows the same. To be called in `setup` or
 * in an `effectScope`.
 */
export const useResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseResilientWebSocketResult<Incoming, Outgoing> => {
  const { onMessage, onBatch, onError, onStatusChange, ...shareOptions } = options
  const socket = useClient<Incoming, Outgoing>(shareOptions)
  const start = before<Incoming>(options.enabled ?? true)
  const refs = Object.fromEntries(
    Object.entries(start).map(([name, value]) => [name, shallowRef(value)]),
  ) as unknown as { -readonly [Name in keyof Seen<Incoming>]: ShallowRef<Seen<Incoming>[Name]> }

  const look = (): void => {
    const { status, attempt, nextRetryAt, error, queued, latencyMs } = socket.getSnapshot()
    if (socket.stateHistory.length) refs.status.value = status
    refs.isConnected.value = socket.isConnected
    refs.error.value = error
    refs.stateHistory.value = socket.stateHistory
    refs.attempt.value = attempt
    refs.nextRetryAt.value = nextRetryAt
    refs.queued.value = queued
    refs.latencyMs.value = latencyMs
  }

  let timer: ReturnType<typeof setInterval> | undefined
  let ended = false
  // The clock runs only if somebody looks at it.
  const connectionDuration = customRef<number>((track, trigger) => ({
    get() {
      track()
      if (isBrowser() && !ended) {
        timer ??= setInterval(() => {
          if (socket.connectionDuration) trigger()
        }, TICK_MS)
      }
      return socket.connectionDuration
    },
    set() {},
  }))

  const offs: (() => void)[] = []
  whenOnPage(() => {
    if (ended) return
    offs.push(
      socket.onChange(look),
      socket.on('batch', messages => {
        refs.messages.value = messages
        refs.lastMessage.value = messages.at(-1) ?? refs.lastMessage.value
        onBatch?.(messages)
      }),
    )
    if (onMessage) offs.push(socket.on('message', onMessage))
    if (onError) offs.push(socket.on('error', onError))
    if (onStatusChange) offs.push(socket.on('status', onStatusChange))
    refs.lastMessage.value = socket.lastMessage
    look()
  })
  onScopeDispose(() => {
    ended = true
    clearInterval(timer)
    for (const off of offs) off()
  })

  const { send: sendMessage, connect, disconnect, reconnect } = socket
  return { ...refs, connectionDuration, sendMessage, connect, disconnect, reconnect, socket }
}

/**
 * The newest message of each channel, renewed with each batch; `onMessage` gets every one. The channels may be a ref or
 * a getter. Without `socket` or `url` in the options the client is the provided one, or the shared one of the
 * default URL.
 */
export const useSubscription = <Incoming = IncomingEnvelope>(
  channels: MaybeRefOrGetter<string | readonly string[]>,
  onMessage?: (message: Incoming) => void,
  options: ShareOptions<Incoming, never> = {},
): Readonly<ShallowRef<ReadonlyMap<string, Incoming>>> => {
  const socket = useClient<Incoming, never>(options)
  const newest = createNewest<Incoming>(socket)
  const result = shallowRef(newest.get())
  let off = (): void => {}
  let ended = false
  const key = computed(() => JSON.stringify([...new Set([toValue(channels)].flat())]))
  whenOnPage(() => {
    if (ended) return
    watch(
      key,
      names => {
        const before = off
        off = newest.subscribe(
          JSON.parse(names),
          message => onMessage?.(message),
          () => {
            result.value = newest.get()
          },
        )
        // After the new ones are listened to: what stays is not left.
        before()
      },
      { immediate: true },
    )
  })
  onScopeDispose(() => {
    ended = true
    off()
  })
  return result
}

/** What the older, smaller composable returns. */
export interface UseWebSocketResult<Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope> {
  readonly status: Readonly<Ref<LegacyStatus>>
  readonly isConnected: Readonly<Ref<boolean>>
  readonly lastMessage: Readonly<Ref<Incoming | null>>
  readonly sendMessage: (message: Outgoing) => Delivery
  readonly connect: () => void
  readonly disconnect: () => void
  readonly reconnect: () => void
}

/** The older, smaller one: CONNECTING also while reconnecting, DISCONNECTED while on the fallback. */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseWebSocketResult<Incoming, Outgoing> => {
  const { status, isConnected, lastMessage, sendMessage, connect, disconnect, reconnect } =
    useResilientWebSocket<Incoming, Outgoing>(options)
  return {
    status: computed(() => legacyStatus(status.value)),
    isConnected,
    lastMessage,
    sendMessage,
    connect,
    disconnect,
    reconnect,
  }
}
