/** What a protocol is: the meaning of frames, and nothing of how they travel. */
import type { ErrorCode } from '../errors.ts'
import type { CloseDetails, Frame } from '../transport/transport.ts'

/** What a server says of itself. A field that is absent leaves the client's own option as it is. */
export interface ServerTerms {
  /** How long a link may be silent before the client pings, and how long the answer may take, in ms. */
  readonly intervalMs?: number | undefined
  readonly timeoutMs?: number | undefined
  /** Messages that the server takes a second; the lower of this and `queue.ratePerSecond` counts. */
  readonly ratePerSecond?: number | undefined
  /** The largest message that the server takes, in bytes; larger ones are rejected as `invalid`. */
  readonly maxPayload?: number | undefined
}

/** What the two sides of a link have agreed on by the time messages may flow. */
export interface LinkTerms {
  /** Unacknowledged messages, at most; only where the protocol acknowledges. @default `queue.maxInFlight` */
  readonly maxInFlight?: number
  /** Channels that the hello has named already: the protocol is not asked to subscribe to them. @default [] */
  readonly channels?: readonly string[]
  /** The server answers for each channel. `false`: a channel counts as joined once it is asked for. @default true */
  readonly answers?: boolean
}

/** A server's no. */
export interface Refusal {
  /** The server's own code, for programs. @default 'REFUSED' */
  readonly code?: string
  /** The server's own words, for people. @default the code */
  readonly message?: string
  /** Anything else that the server says of it. */
  readonly detail?: unknown
}

/** A server's no to a channel. The default of `code` is `FORBIDDEN`. */
export interface ChannelRefusal extends Refusal {
  /**
   * The refusal is temporary: the client asks again after so many ms, and `ready` goes on waiting. Absent: `ready`
   * rejects, and the channel is asked for on the next link.
   */
  readonly retryAfterMs?: number
}

/** A channel ended on a live link. */
export interface ChannelLoss {
  /** Why, as the `gap` event gives it. */
  readonly reason: string
  /** The client asks for the channel again after so many ms. Absent: not until the application subscribes anew. */
  readonly retryAfterMs?: number
}

/** Where a dial goes, and what it offers. */
export interface DialTarget {
  readonly url: string
  readonly protocols: readonly string[]
}

/**
 * One link, from the moment it is open until it ends. Whatever is called on it later does nothing, so that an answer
 * that comes late (of a server that was asked for a token, say) needs no care.
 */
export interface ProtocolLink<Incoming = unknown> {
  /** The token for this link, if the client has one. A protocol that asks for it brings it to the server. */
  token(): string | undefined
  /** Runs once after so many ms, unless the link ends before. Returns what calls it off. */
  after(delayMs: number, run: () => void): () => void
  /** Writes a frame at once, outside queue and rate limit. */
  send(frame: Frame): void
  /** Writes a frame before all messages of the application, within their rate. Lost with the link. */
  control(frame: Frame): void
  /** Messages may flow. Only the first call counts. */
  ready(terms?: LinkTerms): void
  /** The server says, or changes, what it takes. */
  terms(terms: ServerTerms): void
  /**
   * A message for the application. Its field `channel`, if it has one, says whose listeners hear it; `answers` is the id of
   * the message that it answers, where its own `replyTo` does not say so.
   */
  message(message: Incoming, answers?: string): void
  /** The answer to the message with this id, for its `request()` alone: it does not reach `message`. */
  answer(id: string, message: Incoming): void
  /** Something came that is not delivered: counted in `metrics()` under the reason, and logged. */
  dropped(reason: string, message: unknown): void
  /** An `error` event; the link lives on. */
  error(code: ErrorCode, cause: unknown): void
  /** The server answered the ping with this id; without an id the newest one. */
  pong(id?: string): void
  /** The server has applied the message with this id: its Delivery is `acked`. */
  acked(id: string): void
  /**
   * The server has not applied the message with this id: its Delivery is `rejected` as `refused` (as `unauthorized` with
   * the code `UNAUTHORIZED` or `FORBIDDEN`), with code and detail, and its request rejects at once.
   */
  refused(id: string, refusal: Refusal): void
  /** No answer came in time to the message with this id: its Delivery is `sent`. */
  unanswered(id: string): void
  /** The server has accepted a channel. */
  joined(channel: string): void
  /** The server has declined a channel: what waits for it is rejected with the code. */
  declined(channel: string, refusal: ChannelRefusal): void
  /** The server has ended a channel: a `gap`; messages in flight on it are `unknown`. */
  left(channel: string, loss: ChannelLoss): void
  /** Messages of a channel may be missing. */
  gap(channel: string, reason: string): void
  /** Everything that was missed on a channel follows. */
  recovered(channel: string, replayed: number): void
  /** The server takes nothing for so many ms. */
  slowDown(delayMs: number): void
  /** The server asks for the next link within so many ms; messages flow until then. */
  leave(withinMs: number): void
  /**
   * The link is of no use. `retry`: `true` dials again after the usual delay, a number after so many ms; `false` makes the
   * status ERROR. `timedOut`: the server did not answer in time, as the error's `cause` then says. @default true, false
   */
  close(reason: string, retry?: boolean | number, timedOut?: boolean): void
}

/** What a conversation may ask of the client that it belongs to, with a link or without. */
export interface ProtocolHost {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds from any start; never goes back. */
  monotonicNow(): number
  /** From 0 to 1, without 1. */
  random(): number
  /** A name that no other message of this client has. */
  newId(): string
  /** Channels that the application listens to. */
  channels(): readonly string[]
}

/** One conversation a client; it lives through all its links. */
export interface Conversation<Incoming = unknown, Outgoing = unknown> {
  /** Rewrites address and subprotocols before a dial; a promise holds the dial up, and one that rejects fails it. */
  target?(target: DialTarget, token: string | undefined): DialTarget | Promise<DialTarget>
  /** A link has opened. Say hello, and call `link.ready()` when messages may flow; a promise that rejects ends the link. */
  opened(link: ProtocolLink<Incoming>): void | Promise<void>
  /** A frame came: a string or an ArrayBuffer. What it throws is an `error` event. */
  receive(frame: unknown): void
  /** The link is over. */
  closed?(): void
  /**
   * What a close means: `false` is final, `true` a retry after the usual delay, a number one after so many ms; `undefined`
   * leaves it to the rules for close codes. `reconnect.when` comes first.
   */
  closeVerdict?(close: CloseDetails): boolean | number | undefined
  /** A message of the application as a frame. Throws a `TypeError` for what can never be sent. */
  encode(message: Outgoing, id: string): Frame
  /** The id that the application gave to a message, if it did. Throws a `TypeError` for one that is no string. */
  idOf?(message: Outgoing): string | undefined
  /** The channel that a message needs: while the server has not accepted it, the message waits, and holds up no other. */
  channelOf?(message: Outgoing): string | undefined
  /**
   * A message of the application is being written: returns the frame that goes, with what is known only now. Called once for
   * every link that it is tried on. Absent: the frame of `encode()`.
   */
  leaving?(frame: Frame, id: string, channel: string | undefined): Frame
  /** The frame that asks for a sign of life. Absent: silence proves nothing, unless there is a `heartbeat.message`. */
  ping?(id: string): Frame
  /** The client has a new token for the link that is ready. */
  token?(token: string): void
  /**
   * Asks the server for channels, in one frame or in many, at once or later. Each is answered for by itself, by
   * `link.joined()` or `link.declined()`; a channel that is left before is not.
   */
  subscribe?(channels: readonly string[]): void
  /** Nobody listens to these channels any more. */
  unsubscribe?(channels: readonly string[]): void
  /** Another user: forgets what belongs to the one before. */
  reset?(): void
}

/**
 * What frames mean to one kind of server. `envelope()` and `raw()` are two; write your own for another. One value serves
 * any number of clients: whatever it remembers belongs to the conversation that `attach` makes, once a client.
 */
export interface Protocol<Incoming = unknown, Outgoing = unknown> {
  /** Says in an error or a log which one it is; clients that are to be shared must have protocols of one name. */
  readonly name: string
  /** The server has channels. @default false: `subscribe()` throws */
  readonly channels?: boolean
  /** The server answers messages. @default false: `request()` throws */
  readonly replies?: boolean
  /**
   * The server says what became of each message. Then a message is `in-flight` from when it is written until `link.acked()`,
   * `link.refused()` or `link.unanswered()`. @default false: a message is `sent` when it is written
   */
  readonly acks?: boolean
  /** What is in flight when a link ends may be sent again on the next. @default false: its Delivery is `unknown` */
  readonly resends?: boolean
  /** The server may be polled at the default `fallback.url`. @default false: only a `fallback` that is given polls */
  readonly polls?: boolean
  /** The conversation itself says what is missing in which channel after a link was lost. @default false: `gap` for all */
  readonly recovers?: boolean
  attach(host: ProtocolHost): Conversation<Incoming, Outgoing>
}
