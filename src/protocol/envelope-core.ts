/** What the parts of a conversation in envelopes share, and where protocol v1 is plugged in. */
import type { ErrorCode } from '../errors.ts'
import type { IncomingEnvelope } from './envelope-types.ts'
import type { Fields } from './fields.ts'
import type { HttpContact } from './own-conversation.ts'
import type { Pings } from './pings.ts'
import type { ProtocolHost, ProtocolLink } from './protocol.ts'

/** What a reserved type means. */
export type Handler<Context> = (context: Context, data: Fields, message: Fields) => void

/** Protocol v1, as a conversation in envelopes uses it. */
export interface SessionsExtension {
  /** Protocol v1 over HTTP, while the client polls. */
  readonly http: HttpContact
  /** A link has opened: says when the conversation begins. */
  opened(): void
  closed(): void
  /** A whole frame was read. */
  frameRead(): void
  /** The server's `connection` message offers v1. False: the client cannot speak it here, and has given the server up. */
  offered(): boolean
  /** The terms of a server that offers v1 are known. */
  greeted(): void
  /** A message of v1; a type that is not known is ignored. */
  handle(type: string, data: Fields, message: Fields): void
  /** The server takes no more for a while. True on a link with acks, on which what was refused is sent again. */
  rateLimited(): boolean
  /** A ping names the newest offsets. */
  heads(heads: Fields): void
  /** The last poll was answered by a server of v1. */
  isPolled(): boolean
  /** Offsets mean something on this link: messages have to follow one another. */
  isPositioned(): boolean
  /** Why a message is not the next of its channel; `undefined`: it is. */
  obstacle(channel: string, offset: number): string | undefined
  /** The frame that subscribes to channels; `undefined`: as with a plain server. */
  subscribe(channels: readonly string[]): string | undefined
  /** The type belongs to the protocol. */
  isReserved(type: string): boolean
  /** Another user: nothing of the one before is left. */
  renew(): void
  sessionId(): string | null
}

/** The host as envelopes need it: they also come by HTTP, without a link. */
export interface EnvelopeHost extends ProtocolHost {
  /** Protocol v1; absent unless `sessions()` is used. */
  readonly sessions?: (core: EnvelopeCore, version: 'auto' | 1) => SessionsExtension
  /** An application message; `answers`: the id of the one that it answers, where its `replyTo` does not say so. */
  message(message: IncomingEnvelope, answers?: string): void
  dropped(reason: string, message: unknown): void
  error(code: ErrorCode, cause: unknown): void
  /** The server reports an error, perhaps about the message with this id. */
  refused(id: string | undefined, code: ErrorCode, message: string): void
  slowDown(delayMs: number): void
}

/** What the parts of a conversation in envelopes share. */
export interface EnvelopeCore {
  readonly host: EnvelopeHost
  readonly pings: Pings
  readonly sessions: SessionsExtension | undefined
  link: ProtocolLink<IncomingEnvelope> | undefined
  /** The largest frame that the server takes, in bytes. */
  maxPayload: number | undefined
  /** What the first message of this link says of its server, whatever the client speaks. */
  server: 'silent' | 'plain' | 'v1'
  /** How many users there were. */
  users: number
  /** How the application names channels by hand; a plain server may read only that. */
  field: 'channels' | 'symbols'
  frame(type: string, data: unknown, id?: string): string
  /** Messages may flow, without acks. */
  begin(): void
  /** One message of a frame. `isPosted`: it came with the answer to a POST, which only servers of v1 take. */
  element(message: unknown, isPosted?: boolean): void
  /** An application message; `isPositioned`: its server speaks v1. */
  deliver(message: unknown, isPositioned: boolean): void
  bad(message: unknown, error: unknown): void
}
