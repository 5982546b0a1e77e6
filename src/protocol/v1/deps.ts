/** What protocol v1 needs of the client besides what every protocol does. */
import type { ContactOutbox } from './contact.ts'
import type { CursorsDeps } from './cursors.ts'
import type { SessionHost } from './session.ts'

export interface SessionsDeps
  extends Omit<SessionHost, 'secret'>,
    Omit<CursorsDeps, 'newId' | 'resubscribe'>,
    ContactOutbox {
  /** A name that nobody can guess; `undefined` where the runtime has no `crypto`. */
  secret(): string | undefined
  /** The server was asked for this channel, and left it out of its answer. */
  denied(channel: string): void
  /** The link has acks and positions from now on: messages may flow. */
  onAgreed(agreement: Agreement): void
  /** The client can do nothing with this server: ERROR, with this message. */
  onRefused(message: string): void
}

/** What the two sides agreed on, on a link with acks. */
export interface Agreement {
  /** Unacknowledged messages, at most. */
  readonly maxInFlight: number
  /** Channels that the server has been told of. */
  readonly told: readonly string[]
}
