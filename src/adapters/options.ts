/** What hooks and composables take beside the options of the client. */
import type {
  ResilientWebSocket,
  ResilientWebSocketError,
  ResilientWebSocketOptions,
  StateChange,
} from 'resilient-websocket'

/** A client, whatever its messages are. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` takes clients of every kind of message
export type AnyClient = ResilientWebSocket<any, any>

/** Called with what happens; the newest function is called, and a change of it reconnects nothing. */
export interface Callbacks<Incoming> {
  /** Each message, at once, exactly once. */
  onMessage?: ((message: Incoming) => void) | undefined
  /** The messages of one window, at most once per `batch.windowMs`. */
  onBatch?: ((messages: readonly Incoming[]) => void) | undefined
  /** Each error; the client goes on unless the status says ERROR. */
  onError?: ((error: ResilientWebSocketError) => void) | undefined
  /** Each change of status. */
  onStatusChange?: ((change: StateChange) => void) | undefined
}

/** Which client to use. Options of the client are read when it is made; its functions stay up to date. */
export interface ClientChoice<Incoming, Outgoing>
  extends ResilientWebSocketOptions<Incoming, Outgoing> {
  /**
   * One client for all that name the same `url` (and `protocols`, `protocol`, `environment`): the
   * options of the first one count. It is closed when nobody uses it any more. `false` makes a
   * client for this caller alone.
   * @default true
   */
  share?: boolean | undefined
  /**
   * A client of your own: it is only listened to. Connecting and closing it is up to you, and
   * `url`, `enabled` and the other options of the client mean nothing then.
   */
  socket?: ResilientWebSocket<Incoming, Outgoing> | undefined
}

/** Without the parts that a client does not know. */
export const clientOptions = <Incoming, Outgoing>(
  options: ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>,
): ResilientWebSocketOptions<Incoming, Outgoing> => {
  const { share, socket, onMessage, onBatch, onError, onStatusChange, ...rest } = options
  return rest
}

/** The events behind the callbacks. */
export const CALLBACKS = {
  onMessage: 'message',
  onBatch: 'batch',
  onError: 'error',
  onStatusChange: 'status',
} as const
