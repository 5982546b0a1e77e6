/** What the client asks of its own protocols besides what every protocol can do. */
import type { Frame } from '../transport/transport.ts'
import type { Conversation } from './protocol.ts'

/** The protocol over HTTP, while the client polls: positions with a GET, messages with a POST. */
export interface HttpContact {
  /** The client's position in a channel, as a poll names it; `undefined`: it has none. */
  positionOf(channel: string): string | undefined
  /** The messages in the body of a poll; `undefined` if the protocol does not know such bodies. */
  readPoll(body: unknown): readonly unknown[] | undefined
  /** Messages wait to be sent or acknowledged, and the server takes them by POST. */
  mayPost(): boolean
  /** To be called before `nextBody()`: settles messages that cannot be posted. Their listeners may end the polling. */
  prepare(isUnsure: boolean): void
  /** The next body to POST, if there is one. `isUnsure`: the server may have forgotten the session. */
  nextBody(isUnsure: boolean): string | undefined
  /**
   * Reads the answer to the body that was posted; `undefined`: none came that can be read. False if it does not answer
   * that body.
   */
  readAnswer(answer: unknown): boolean
}

/** What the client asks of its own protocols besides; another's is asked none of it. */
export interface OwnConversation<Incoming, Outgoing> extends Conversation<Incoming, Outgoing> {
  /** Absent: the protocol does not know polls, whose bodies are the application's own, and posts nothing. */
  readonly http?: HttpContact | undefined
  /**
   * An application message with its fields read once, which the other functions are given then. Absent: as it is.
   * Throws a `TypeError` for what can never be sent.
   */
  read?(message: Outgoing): unknown
  /** Channels that a message of the application, and its frame, subscribes to or leaves. */
  subscriptionOf?(
    message: Outgoing,
    frame: Frame,
  ):
    | { readonly type: 'subscribe' | 'unsubscribe'; readonly channels: readonly string[] }
    | undefined
  /** The message's type belongs to the protocol: where there are acks it is rejected as `invalid`. */
  reserved?(message: Outgoing): boolean
  /** The message has no `seq`: it goes out on a WebSocket only, is `sent` then, and holds up no other. */
  unplaced?(message: Outgoing): boolean
  /** An `unplaced` message has left on a link. */
  sent?(id: string): void
  /** The session that the server keeps for this client. */
  sessionId?(): string | null
  /** One message of a poll. */
  deliver?(message: unknown): void
}
