/**
 * React hooks. They hold no connection logic: they look at a client and let go of it.
 *
 * @module
 */
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type {
  Delivery,
  IncomingEnvelope,
  OutgoingEnvelope,
  ResilientWebSocket,
  ResilientWebSocketError,
  SendOptions,
  StateChange,
} from 'resilient-websocket'
import { type LegacyStatus, legacyStatus } from '../adapters/legacy.ts'
import { createNewest } from '../adapters/newest.ts'
import { type Entry, fits, obtain, type ShareOptions } from '../adapters/shared.ts'
import { createView, type Seen } from '../adapters/view.ts'

export type { LegacyStatus } from '../adapters/legacy.ts'
export type { ShareOptions } from '../adapters/shared.ts'
export type { Seen } from '../adapters/view.ts'

/**
 * The client's options, and what to call. Callbacks may be written inline: the latest is called, nothing
 * reconnects. Of the client's options those of the first component that names the `url` count.
 */
export interface UseResilientWebSocketOptions<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ShareOptions<Incoming, Outgoing> {
  /** Each message, at once, exactly once, while the component is mounted. */
  onMessage?: (message: Incoming) => void
  /** The messages of one window. */
  onBatch?: (messages: readonly Incoming[]) => void
  onError?: (error: ResilientWebSocketError) => void
  onStatusChange?: (change: StateChange) => void
}

/** What the component reads of this, and nothing else, makes it render. */
export interface UseResilientWebSocketResult<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends Seen<Incoming> {
  /** `socket.send`. */
  readonly sendMessage: (message: Outgoing, options?: SendOptions) => Delivery
  readonly connect: () => void
  readonly disconnect: () => void
  readonly reconnect: () => void
  /** The client itself, for everything else. Do not `close()` it while it is shared. */
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
}

/** A client of any messages. */
// biome-ignore lint/suspicious/noExplicitAny: a context knows nothing of the types of those who use it
export type AnySocket = ResilientWebSocket<any, any>

const SocketContext = createContext<AnySocket | undefined>(undefined)

/** Names the client for all hooks below that name no `socket` or `url` of their own. */
export const ResilientWebSocketProvider = ({
  socket,
  children,
}: {
  /** Yours: it is never connected, disconnected or closed by a hook. */
  readonly socket: AnySocket
  readonly children?: ReactNode
}): ReactElement => createElement(SocketContext.Provider, { value: socket }, children)

/** The client that a component uses, held while it is mounted. */
const useClient = <I, O>(
  options: ShareOptions<I, O>,
): { readonly socket: ResilientWebSocket<I, O>; readonly enabled: boolean } => {
  const { enabled = true } = options
  const above = useContext(SocketContext) as ResilientWebSocket<I, O> | undefined
  const given = options.socket ?? (options.url === undefined ? above : undefined)
  const [entry, setEntry] = useState<Entry<I, O> | undefined>(() =>
    given ? undefined : obtain(options),
  )
  const latest = useRef(options)
  useInsertionEffect(() => {
    latest.current = options
  })
  const current = given ? undefined : entry && fits(entry, options) ? entry : obtain(options)
  if (current !== entry) setEntry(current)

  useEffect(() => {
    if (!current) return
    // Closed while the component was hidden: it comes back with another one.
    if (!current.alive) return setEntry(obtain(latest.current))
    return current.hold(enabled)
  }, [current, enabled])

  return { socket: given ?? (current as Entry<I, O>).socket, enabled }
}

/**
 * A connection that keeps itself alive.
 *
 * ```tsx
 * const { status, lastMessage, sendMessage } = useResilientWebSocket({ url: 'wss://example.com/ws' })
 * ```
 *
 * All components that name the same `url` share one connection; it is released one macrotask after the last of them
 * is gone, so that StrictMode and fast refresh never redial. On a server nothing is opened: the status is
 * CONNECTING, or CLOSED where `enabled` is false, and the first rendering in the browser shows the same.
 */
export const useResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseResilientWebSocketResult<Incoming, Outgoing> => {
  const { onMessage, onBatch, onError, onStatusChange, ...shareOptions } = options
  const { socket, enabled } = useClient<Incoming, Outgoing>(shareOptions)

  const callbacks = useRef({ onMessage, onBatch, onError, onStatusChange })
  useInsertionEffect(() => {
    callbacks.current = { onMessage, onBatch, onError, onStatusChange }
  })
  useEffect(() => {
    const offs = [
      socket.on('message', message => callbacks.current.onMessage?.(message)),
      socket.on('batch', messages => callbacks.current.onBatch?.(messages)),
      socket.on('error', error => callbacks.current.onError?.(error)),
      socket.on('status', change => callbacks.current.onStatusChange?.(change)),
    ]
    return () => {
      for (const off of offs) off()
    }
  }, [socket])

  const view = useMemo(() => createView<Incoming>(socket as never, enabled), [socket, enabled])
  const seen = useSyncExternalStore(view.subscribe, view.get, view.getBefore)

  return useMemo(() => {
    const { send: sendMessage, connect, disconnect, reconnect } = socket
    const result = { sendMessage, connect, disconnect, reconnect, socket }
    return Object.defineProperties(result, Object.getOwnPropertyDescriptors(seen)) as never
  }, [socket, seen])
}

/**
 * The newest message of each channel, renewed with each batch; `onMessage` gets every one. Without `socket` or `url` in
 * the options the client is the Provider's, or the shared one of the default URL.
 *
 * ```tsx
 * const quotes = useSubscription(['AAPL', 'MSFT'])
 * quotes.get('AAPL')
 * ```
 */
export const useSubscription = <Incoming = IncomingEnvelope>(
  channels: string | readonly string[],
  onMessage?: (message: Incoming) => void,
  options: ShareOptions<Incoming, never> = {},
): ReadonlyMap<string, Incoming> => {
  const { socket } = useClient<Incoming, never>(options)
  const latest = useRef(onMessage)
  useInsertionEffect(() => {
    latest.current = onMessage
  })
  const newest = useMemo(() => createNewest<Incoming>(socket), [socket])
  // The array may be written inline: what counts is what is in it.
  const key = JSON.stringify([...new Set([channels].flat())])
  const subscribe = useCallback(
    (changed: () => void) =>
      newest.subscribe(JSON.parse(key), message => latest.current?.(message), changed),
    [newest, key],
  )
  return useSyncExternalStore(subscribe, newest.get, newest.get)
}

/** What the older, smaller hook returns. */
export interface UseWebSocketResult<Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope> {
  readonly status: LegacyStatus
  readonly isConnected: boolean
  readonly lastMessage: Incoming | null
  readonly sendMessage: (message: Outgoing) => Delivery
  readonly connect: () => void
  readonly disconnect: () => void
  readonly reconnect: () => void
}

/**
 * The older, smaller hook, for code that was written for it: CONNECTING also while reconnecting, DISCONNECTED while on
 * the fallback.
 */
export const useWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseWebSocketResult<Incoming, Outgoing> => {
  const whole = useResilientWebSocket<Incoming, Outgoing>(options)
  return useMemo(() => {
    const { sendMessage, connect, disconnect, reconnect } = whole
    return {
      get status() {
        return legacyStatus(whole.status)
      },
      get isConnected() {
        return whole.isConnected
      },
      get lastMessage() {
        return whole.lastMessage
      },
      sendMessage,
      connect,
      disconnect,
      reconnect,
    }
  }, [whole])
}
