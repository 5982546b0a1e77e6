/** Messages in envelopes, as an application sees them. */

/** A message as it comes from the server. */
export interface IncomingEnvelope<Data = unknown> {
  readonly type: string
  readonly data?: Data
  /** Milliseconds since the epoch, for display; it orders nothing. */
  readonly timestamp?: number
  /** Names the message within its channel, unless it is empty: what comes twice is delivered once. */
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}

/** A message as the application sends it. `id` and `timestamp` are added where they are missing. */
export interface OutgoingEnvelope<Data = unknown> {
  /**
   * Types of the protocol (`connection hello welcome ack nack skip subscribed unsubscribed authenticated pong error
   * reconnect`) are yours with a plain server only; one of protocol v1 is not sent them (`invalid`). A `ping` goes to
   * every server, and the `pong` that answers it reaches `message` and `request()`.
   */
  readonly type: string
  readonly data?: Data
  readonly timestamp?: number
  /** 1 to 64 characters, else a `TypeError`; names the message and stays the same on every retry. */
  readonly id?: string
}
