/** What a protocol is: the meaning of frames, and nothing of how they travel. */
import type { ErrorCode, ErrorHint } from '../errors.ts'
import type { Timers } from '../shared/timers.ts'
import type { Frame } from '../transport/transport.ts'

/** What a server says of itself on opening. */
export interface ServerTerms {
  /** Its heartbeat, in ms. */
  readonly intervalMs?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly ratePerSecond?: number | undefined
  readonly maxPayload?: number | undefined
}

/** What the two sides agreed on, on a link with acks. */
export interface Agreement {
  /** Unacknowledged messages, at most. */
  readonly maxInFlight: number
  /** Channels that the server has been told of. */
  readonly told: readonly string[]
}

/** What a conversation may ask of the client it belongs to. */
export interface ProtocolHost<Incoming> {
  readonly timers: Timers
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds from any start; never goes back. */
  monotonicNow(): number
  /** The token for this link, if the client has one. */
  token(): string | undefined
  /** The link has proved itself: messages may flow, and with an agreement they are kept until acknowledged. */
  proved(agreement?: Agreement): void
  /** The server breaks the protocol, or (`timedOut`) does not answer in time: this link is of no use. */
  fail(reason: string, timedOut?: boolean): void
  /** The client can do nothing with this server: ERROR, with these words. */
  refuse(words: string, hint?: ErrorHint): void
  /** A name that no other message has. */
  newId(): string
  /** A name that nobody can guess; `undefined` where the runtime has no `crypto`. */
  secret(): string | undefined
  /** Writes at once, outside queue and rate limit. For answers that must not wait. */
  reply(frame: Frame): void
  /** Writes before all messages, within their rate. */
  control(frame: Frame): void
  /**
   * An application message. The same id on another `channel` of messages is no duplicate. `answers`: the id of the message
   * that it answers, where its own `replyTo` does not say so.
   */
  message(message: Incoming, answers?: string): void
  /** Something came that is not delivered: counted in `metrics()` under the reason, and logged. */
  dropped(reason: string, message: unknown): void
  /** Something came that is no message; the link lives on. */
  error(code: ErrorCode, thrown: unknown): void
  /** The server answered the ping with this id (`undefined`: it did not say which). */
  pong(id: string | undefined): void
  terms(terms: ServerTerms): void
  /** The server takes nothing for so long. */
  slowDown(delayMs: number): void
  /** The server reports an error, perhaps about the message with this id. */
  refused(id: string | undefined, code: ErrorCode, words: string): void
  /** The server asks to be left within this time. */
  leave(afterMs: number): void
  random(): number
  /** Channels that somebody listens to. */
  channels(): readonly string[]
  wants(channel: string): boolean
  /** The server has answered for this channel. */
  confirmed(channel: string): void
  /** The server was asked for this channel, and left it out of its answer. */
  denied(channel: string): void
  gap(channel: string, reason: string): void
  recovered(channel: string, replayed: number): void
  /** Everything up to this place is applied. False if it was never sent. */
  acked(seq: number): boolean
  /** The message at this place was refused. */
  refusedAt(seq: number, code: string): void
  /** What is in flight is in nobody's hands, and numbering begins anew. */
  sessionLost(): void
  /** Messages wait to be sent, or for their acknowledgement. */
  waiting(): boolean
  /** Settles what cannot be posted. Listeners hear of it, and may do anything. */
  prepare(): void
  /** Takes what is to be posted. */
  take(): readonly string[]
  /** What was taken may or may not have arrived. */
  untaken(): void
}

/** One conversation per client; it lives through all its links. */
export interface Conversation<Outgoing> {
  /** A link has opened. Say hello, and call `proved()` when messages may flow. */
  opened(): void
  /** A frame came. Must not throw. */
  receive(payload: unknown): void
  /** The link is gone. */
  closed(): void
  /**
   * An application message with its fields read once, which the other functions are given then. Absent: as it is.
   * Throws a `TypeError` for what can never be sent.
   */
  read?(message: Outgoing): unknown
  /** An application message as a frame. Throws a `TypeError` for what can never be sent. */
  encode(message: Outgoing, id: string): Frame
  /** The id that the application gave to a message, if it did. Throws a `TypeError` for one that is no string. */
  idOf(message: Outgoing): string | undefined
  /** Frames for control messages; absent or `undefined` where the protocol has none. */
  ping?(id: string): Frame
  auth?(token: string): Frame
  tell?(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): Frame
  /** Channels that a message of the application, and its frame, subscribes to or leaves. */
  subscriptionOf?(
    message: Outgoing,
    frame: Frame,
  ):
    | { readonly type: 'subscribe' | 'unsubscribe'; readonly channels: readonly string[] }
    | undefined
  /** The message's type belongs to the protocol: where there are acks it is rejected as `invalid`. */
  reserved?(message: Outgoing): boolean
  /** The message has no place in the sequence: it goes out on a WebSocket only, is `sent` then, and holds up no other. */
  unplaced?(message: Outgoing): boolean
  /** An `unplaced` message has left on a link. */
  sent?(id: string): void
  /** Nobody listens to this channel any more. */
  forget?(channel: string): void
  /** Another user: nothing of the one before is left. */
  renew?(): void
  /** The session that the server keeps for this client. */
  sessionId?(): string | null
  /** Where the client stands in a channel, for the next poll. */
  since?(channel: string): string | undefined
  /** The messages in the body of a poll; `undefined` if the protocol does not know such bodies. */
  polled?(body: unknown): readonly unknown[] | undefined
  /** One message of a poll. */
  deliver?(message: unknown): void
  /** Something waits that may be POSTed. */
  posts?(): boolean
  /** `post()` is called next, unless a listener ends that. */
  prepare?(unsure: boolean): void
  /** The next body to POST while polling, if there is one. `unsure`: the server may have forgotten us. */
  post?(unsure: boolean): string | undefined
  /** What came back; `undefined`: nobody knows what became of it. False: it is no answer to what was posted. */
  posted?(answer: unknown): boolean
}

/**
 * What frames mean. `envelope()` and `raw()` are two; write your own for another server.
 * `attach` is called once per client.
 */
export interface Protocol<Incoming = unknown, Outgoing = unknown> {
  readonly name: string
  attach(host: ProtocolHost<Incoming>): Conversation<Outgoing>
}
