/** The options of hooks and composables beside those of the client. */
import type {
  ResilientWebSocket,
  ResilientWebSocketError,
  ResilientWebSocketOptions,
  StateChange,
  Status,
} from 'resilient-websocket'

/** A client, whatever its messages are. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` takes clients of every kind of message
export type AnyClient = ResilientWebSocket<any, any>

/** Functions that are called with events of the client: always the newest one; a change of it reconnects nothing. */
export interface Callbacks<Incoming> {
  /** Each message, at once, exactly once. */
  onMessage?: ((message: Incoming) => void) | undefined
  /** The messages of one window, at most once per `batch.windowMs`; each message alone where `batch` is `false`. */
  onBatch?: ((messages: readonly Incoming[]) => void) | undefined
  /** Each error; the client goes on unless the status says ERROR. */
  onError?: ((error: ResilientWebSocketError) => void) | undefined
  /** Each change of status: the new one, and the whole change with its reason. */
  onStatusChange?: ((status: Status, change: StateChange) => void) | undefined
}

/** Which client to use. Options of the client are read when it is made; its functions stay up to date. */
export interface ClientChoice<Incoming, Outgoing>
  extends ResilientWebSocketOptions<Incoming, Outgoing> {
  /**
   * One client for all that name the same `url`, `protocols`, `protocol`, `environment` and `identity`: the
   * options of the first one count. Without an `identity` also the same `token`, where it is a string; functions
   * are not asked, so a client with one is shared only while its present callers stay. It is closed one macrotask
   * after the last caller has left. `false` makes a client for this caller alone.
   * @default true
   */
  share?: boolean | undefined
  /**
   * A client of your own, which is only listened to. Connecting and closing it is up to you, and
   * `url`, `enabled` and the other options of the client mean nothing then. `null` or `undefined`: there is none
   * yet, and nothing is dialed; the status is CONNECTING, or CLOSED where `enabled` is false.
   */
  socket?: ResilientWebSocket<Incoming, Outgoing> | null | undefined
}

/** The options of the client alone. A token that is `null`, as storage gives it, or `''` is left out. */
export const clientOptions = <Incoming, Outgoing>(
  options: ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>,
): ResilientWebSocketOptions<Incoming, Outgoing> => {
  const { share, socket, onMessage, onBatch, onError, onStatusChange, ...rest } = options
  if (!rest.token) delete rest.token
  return rest
}

const EVENTS = {
  onMessage: 'message',
  onBatch: 'batch',
  onError: 'error',
  onStatusChange: 'status',
} as const

const NAMES = Object.keys(EVENTS) as (keyof typeof EVENTS)[]

/** The names of the callbacks that are given. */
export const callbackNames = (options: Callbacks<never>): readonly (keyof typeof EVENTS)[] =>
  NAMES.filter(name => options[name])

/** Calls back with the events of a client, each time the newest function, until the returned function is called. */
export const onCallbacks = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
  names: readonly (keyof typeof EVENTS)[],
  newest: () => Callbacks<Incoming>,
): (() => void) => {
  const offs = names.map(name =>
    name === 'onStatusChange'
      ? socket.on('status', change => newest().onStatusChange?.(change.to, change))
      : socket.on(EVENTS[name], payload =>
          (newest()[name] as ((payload: unknown) => void) | undefined)?.(payload),
        ),
  )
  return () => {
    for (const off of offs) off()
  }
}
