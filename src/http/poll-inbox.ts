/** Where answers to polls and POSTs go. */

/** What a poll brought, as the `poll` event tells it. */
export interface Poll {
  /** The HTTP status: 200, or 204 or 304 where nothing is new. */
  readonly status: number
  /** Messages in the answer. */
  readonly messages: number
}

/** The client, as polls and POSTs use it. */
export interface PollInbox {
  /** An answer has come: its messages are as old as it is. */
  arrived(): void
  /** The messages in the body of a poll; `undefined` if it is none of the protocol, or was read by the application. */
  read(body: unknown): readonly unknown[] | undefined
  /** A poll was answered. Its messages follow. */
  onPoll(poll: Poll): void
  /** One message of a poll. */
  accept(message: unknown): void
}
