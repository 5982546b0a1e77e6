/** What a protocol is: the meaning of frames, and nothing of how they travel. */
import type { ErrorCode } from '../errors.ts'
import type { Timers } from '../timers.ts'
import type { Frame } from '../transport/transport.ts'

/** What a server says of itself on opening. */
export interface ServerTerms {
  /** Its heartbeat, in ms. */
  readonly intervalMs?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly ratePerSecond?: number | undefined
  readonly maxPayload?: number | undefined
}

/** What a conversation may ask of the client it belongs to. */
export interface ProtocolHost<Incoming> {
  readonly timers: Timers
  now(): number
  /** The token for this link, if the client has one. */
  token(): string | undefined
  /** The link has proved itself: messages may flow. */
  proved(): void
  /** Writes at once, outside queue and rate limit. For answers that must not wait. */
  reply(frame: Frame): void
  /** An application message. */
  message(message: Incoming): void
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
}

/** One conversation per client; it lives through all its links. */
export interface Conversation<Outgoing> {
  /** A link has opened. Say hello, and call `proved()` when messages may flow. */
  opened(): void
  /** A frame came. Must not throw. */
  receive(payload: unknown): void
  /** The link is gone. */
  closed(): void
  /** An application message as a frame. Throws a `TypeError` for what can never be sent. */
  encode(message: Outgoing, id: string): Frame
  /** The id that the application gave to a message, if it did. */
  idOf(message: Outgoing): string | undefined
  /** Frames for control messages; absent or `undefined` where the protocol has none. */
  ping?(id: string): Frame
  auth?(token: string): Frame
  tell?(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): Frame
  /** Channels that a message of the application subscribes to or leaves. */
  subscriptionOf?(
    message: Outgoing,
  ):
    | { readonly type: 'subscribe' | 'unsubscribe'; readonly channels: readonly string[] }
    | undefined
}

/**
 * What frames mean. `envelope()` and `raw()` are two; write your own for another server.
 * `attach` is called once per client.
 */
export interface Protocol<Incoming = unknown, Outgoing = unknown> {
  readonly name: string
  attach(host: ProtocolHost<Incoming>): Conversation<Outgoing>
}
