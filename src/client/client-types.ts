/** The client as its user sees it. */

import type { Recovery, SubscribeOptions } from '../channels/member.ts'
import type { Subscription } from '../channels/subscription.ts'
import type { Retry } from '../connection/redial-wait.ts'
import type { Phase, StateChange, Status } from '../connection/states.ts'
import type { Delivery, RejectReason } from '../delivery/delivery.ts'
import type { SendOptions } from '../delivery/send.ts'
import type { ResilientWebSocketError } from '../errors.ts'
import type { Poll } from '../http/poll-inbox.ts'
import type { CloseDetails } from '../transport/transport.ts'

declare global {
  // As `lib: ["ESNext.Disposable"]` declares it, which a user's tsconfig need not name because of us.
  interface SymbolConstructor {
    readonly dispose: unique symbol
  }
}

/** Everything there is to show, at one moment. Immutable; the same object until something in it changes. */
export interface Snapshot<Incoming = unknown> {
  /** The status of the connection as a whole. */
  readonly status: Status
  /** What happens inside the status; messages flow in both directions when it is `ready`; `ended` after `close()`. */
  readonly phase: Phase
  /** Redials since the link was last stable. */
  readonly attempt: number
  /** How many of them there are before FALLBACK: `reconnect.maxAttempts`. */
  readonly maxAttempts: number
  /** When the next dial is due (a redial, or in FALLBACK a probe), ms since the epoch. */
  readonly nextRetryAt: number | null
  /**
   * The last error. OPEN clears it; a poll that is answered clears one of polling (`POLL`). While polls fail in FALLBACK,
   * a probe of the WebSocket that fails, too, does not replace their error.
   */
  readonly error: ResilientWebSocketError | null
  /** The last application message. */
  readonly lastMessage: Incoming | null
  /** When it came, by this machine's clock, ms since the epoch. */
  readonly lastMessageAt: number | null
  /** Since when the status is OPEN, ms since the epoch. */
  readonly connectedAt: number | null
  /** How messages travel at the moment: `websocket` in OPEN, `polling` in FALLBACK, else `null`. */
  readonly transport: 'websocket' | 'polling' | null
  /** Messages that wait to be sent. */
  readonly queued: number
  /** The last measured round trip of a ping, in ms. */
  readonly latencyMs: number | null
  /** The session that a server of protocol v1 keeps for this client. */
  readonly sessionId: string | null
}

/** Messages may be missing: reload what you show. */
export interface Gap {
  /** The channel concerned; where there is none, all that no other `gap` names. */
  readonly channel?: string
  /**
   * `reconnected` (a server without protocol v1: nobody can know what was missed), `epoch` (the channel's history
   * is another one), `trimmed` or `limit` (it does not reach back so far), `ahead` (it has lost its end),
   * `overflow` (a reader was too slow).
   */
  readonly reason: string
}

/** A message that was certainly not applied. */
export interface Drop<Outgoing = unknown> {
  /** As it was given to `send()`. */
  readonly message: Outgoing
  /** Why: as `reason` of its Delivery. */
  readonly reason: RejectReason
}

/** The events of `on()`, and the payload of each. */
export interface ClientEvents<Incoming, Outgoing> {
  /** Each change of status. */
  status: StateChange
  /** Each application message, at once, exactly once. */
  message: Incoming
  /** The messages of one window; with `batch: false` each message alone, after its other listeners. */
  batch: readonly Incoming[]
  /** The status became OPEN. */
  open: undefined
  /** A link ended, also one that never opened. */
  close: CloseDetails
  /** Something went wrong; the client goes on unless the status says ERROR. */
  error: ResilientWebSocketError
  /** A message was certainly not applied: its Delivery is `rejected`. */
  drop: Drop<Outgoing>
  /** A Delivery is settled. */
  delivery: Delivery
  /** A wait for a redial began. */
  retry: Retry
  /** Everything missed on this channel follows. Protocol v1 only. */
  recovered: Recovery
  /** Messages may be missing: reload what you show. */
  gap: Gap
  /**
   * The user is another one than before (`setIdentity()`): forget what you show. The client has forgotten what it held;
   * what comes after this event is the new user's.
   */
  reset: undefined
  /** A poll was answered. */
  poll: Poll
  /** A round trip was measured, in ms. */
  latency: number
}

/** The types that messages may have. */
export type MessageType<Message> = Message extends { readonly type: infer Type extends string }
  ? Type
  : never

/** Those messages that may have this type. */
export type MessageOf<Message, Type extends string> = Message extends {
  readonly type: infer Known extends string
}
  ? Known extends Type
    ? Message
    : Type extends Known
      ? Message & { readonly type: Type }
      : never
  : never

/** Options of `request()`. */
export interface RequestOptions {
  /** Rejects with `TIMEOUT` when no answer came within so many ms; a value below 0 rejects with a `RangeError`. @default 10000 */
  timeoutMs?: number
  /** Its abort rejects with its reason, and takes the message back if it has not been sent yet. @default none */
  signal?: AbortSignal
}

/**
 * Counters since creation, one for each event by its name (`message`, `batch`, `open`, `error`,
 * `drop`, ...; one that never came is missing) and `sent`; and as a gauge `queued`.
 *
 * What came and was not delivered has a counter for each reason, and a line in the log (`debug`): `duplicate`
 * (its id came before), `belowCursor` (it is older than what its channel has delivered), `aboveCursor` (one before it
 * is missing, and asked for), `noCursor` (the server has not said yet where its channel begins), `schema`,
 * `undecodable` (no message of the protocol), `reserved` (a type of the protocol that means nothing there), `ended` (a
 * listener ended the link or changed the user in the midst of a frame) and `overflow` (a reader of an async iteration was too slow).
 */
export type Metrics = Readonly<Record<string, number>> & { readonly queued: number }

/** Options of `onChange()`. */
export interface ChangeOptions {
  /**
   * `false`: not called when only `lastMessage` and `lastMessageAt` changed, for stores that take messages from `batch`
   * or `subscribe()`. The reset for another identity always calls.
   * @default true
   */
  messages?: boolean
}

/** A connection that keeps itself alive, and the messages on it whole. */
export interface ResilientWebSocket<Incoming = unknown, Outgoing = unknown> {
  /** The status of the connection as a whole, as in the snapshot. */
  readonly status: Status
  /** `status === 'OPEN'`. */
  readonly isConnected: boolean
  /** The last error, as in the snapshot. */
  readonly error: ResilientWebSocketError | null
  /** The last message that reached `message`, as in the snapshot. */
  readonly lastMessage: Incoming | null
  /** The last changes of status, oldest first. */
  readonly stateHistory: readonly StateChange[]
  /** Milliseconds since OPEN, 0 otherwise. */
  readonly connectionDuration: number
  /** Everything there is to show: immutable, and the same object until something in it changes. */
  getSnapshot(): Snapshot<Incoming>
  /** Calls back after anything in the snapshot changed; made for stores. Returns an idempotent unsubscribe. */
  onChange(listener: () => void, options?: ChangeOptions): () => void
  /** Listens to an event. Returns an idempotent unsubscribe. What a listener throws disturbs nothing else. */
  on<Name extends keyof ClientEvents<Incoming, Outgoing>>(
    event: Name,
    listener: (payload: ClientEvents<Incoming, Outgoing>[Name]) => void,
  ): () => void
  /** Listens to the messages of one type. Throws a `TypeError` for another event or a type that is no string. */
  on<Type extends MessageType<Incoming>>(
    event: 'message',
    type: Type,
    listener: (message: MessageOf<Incoming, Type>) => void,
  ): () => void
  /** Dials now, unless connected or dialing. Throws after `close()`. */
  connect(): void
  /** CLOSED until `connect()`; what is queued waits. */
  disconnect(): void
  /** Dials now, from any status, and forgets the attempts so far. Throws after `close()`. */
  reconnect(): void
  /** The end: everything is released; what was queued is `rejected`, what was in flight `unknown`. Idempotent. */
  close(): void
  /**
   * Sends, now or when the link is ready again. Never throws for the state of the link; throws a
   * `TypeError` for what can never be sent. The message is read at the call: what is changed in it later is not sent.
   */
  send(message: Outgoing, options?: SendOptions): Delivery
  /**
   * Sends and waits for the message whose `replyTo` is this one's id. Rejects with the server's code if it
   * answers with an error, with `NOT_SENT` or `UNKNOWN` as its Delivery ends, with `CLOSED` by `close()`, and with
   * `TIMEOUT`: then a message that was never sent is taken back, and one that was may have been applied.
   */
  request(message: Outgoing, options?: RequestOptions): Promise<Incoming>
  /**
   * Listens to channels, also after every reconnect, until `unsubscribe()`. The listener also gets the name of the channel.
   * Throws after `close()`.
   */
  subscribe(
    channels: string | readonly string[],
    listener?: (message: Incoming, channel: string) => void,
    options?: SubscribeOptions,
  ): Subscription<Incoming>
  /**
   * Says who the user is. Another value than before rejects what is queued (`identity`), makes `unknown` what
   * is in flight, forgets session, positions, cached data and the token, tells so (`reset`), and reconnects: nothing is
   * ever sent as somebody else, or shown to them. A token string that was given as option is not said for another user:
   * call `setToken()` afterwards. Before anything was received or sent it only takes note, unless the option `identity` named
   * another user.
   */
  setIdentity(id: string | null): void
  /** A fresh token, sent to the server without reconnecting. Throws a `TypeError` for anything but a string that is not empty. */
  setToken(token: string): void
  /** Counters since creation and gauges, as a new plain object. */
  metrics(): Metrics
  /** `close()`. */
  [Symbol.dispose](): void
}
