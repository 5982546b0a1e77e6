/** The vocabulary that client and server share. */

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

/** Types that belong to protocol v1: they never reach an application, but for the `pong` of its own `ping`. */
export const RESERVED_TYPES: readonly string[] =
  'connection hello welcome ack nack skip subscribe subscribed unsubscribe unsubscribed auth authenticated ping pong error reconnect'.split(
    ' ',
  )

/** Those that mean something to a plain server, too; all others are its application's. */
export const PLAIN_TYPES: readonly string[] = 'connection ping pong error reconnect'.split(' ')

/** The longest id, in characters. */
export const LONGEST_ID = 64
