/** What travels: the shapes that client and server share. */

/** One message on the wire. */
export interface WireMessage {
  readonly type: string
  readonly data?: unknown
  /** Milliseconds since the epoch, for display; it orders nothing. */
  readonly timestamp?: number
  /** Up to 64 characters; names the message and stays the same on every retry. */
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}
