/** The one class of error, and a guard that survives two copies of the package. */

/** What went wrong, for programs. A server's own codes (`RATE_LIMITED`, ...) come as they are. */
export type ErrorCode =
  /** A link that was open ended. */
  | 'LOST'
  /** A dial failed. */
  | 'FAILED'
  /** It makes no sense to try again: the status is ERROR. */
  | 'REFUSED'
  /** A poll failed, or there is nothing to poll. */
  | 'POLL'
  /** A function given as an option returned what it may not; its default counts. */
  | 'BAD_OPTION'
  /** A frame or message was ignored. */
  | 'BAD_MESSAGE'
  /** A request got no answer. */
  | 'TIMEOUT'
  /** A message was not sent. */
  | 'NOT_SENT'
  /** A message was in flight when its session was lost: nobody knows whether it was applied. */
  | 'UNKNOWN'
  /** The client, or the subscription, was closed. */
  | 'CLOSED'
  | (string & {})

const NAME = 'ResilientWebSocketError'

/** Every error of this library: `socket.error`, the `error` event, and what promises reject with. */
export class ResilientWebSocketError extends Error {
  override readonly name: string = NAME
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** True for an error of this library, also of another copy of it. */
export const isResilientWebSocketError = (value: unknown): value is ResilientWebSocketError =>
  (value as Error | undefined)?.name === NAME

/** The words of any thrown thing, also of one that is no error. */
export const wordsOf = (thrown: unknown): string =>
  (thrown as Error | null | undefined)?.message ?? String(thrown)

/** Any thrown thing, or words, as an error of this library. */
export const toError = (code: ErrorCode, thrown: unknown): ResilientWebSocketError =>
  isResilientWebSocketError(thrown)
    ? thrown
    : new ResilientWebSocketError(code, wordsOf(thrown), thrown)
