/** What the client asks of its own protocols besides what every protocol can do. */
import type { Frame } from '../transport/transport.ts'
import type { Conversation } from './protocol.ts'

/** What a conversation says over HTTP while the client polls. */
export interface HttpContact {
  /** Where the client stands in a channel, for the next poll. */
  since?(channel: string): string | undefined
  /** The messages in the body of a poll; `undefined` if the protocol does not know such bodies. */
  polled?(body: unknown): readonly unknown[] | undefined
  /** Something waits that may be POSTed. */
  posts?(): boolean
  /** `post()` is called next, unless a listener ends that. */
  prepare?(unsure: boolean): void
  /** The next body to POST while polling, if there is one. `unsure`: the server may have forgotten the session. */
  post?(unsure: boolean): string | undefined
  /** What came back; `undefined`: no answer that can be read. False: it does not answer what was posted. */
  posted?(answer: unknown): boolean
}

/** What the client asks of its own protocols besides; another's is asked none of it. */
export interface OwnConversation<Incoming, Outgoing>
  extends Conversation<Incoming, Outgoing>,
    HttpContact {
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
