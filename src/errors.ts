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

/** What a developer or a user may do about an error, for programs. */
export type ErrorHint =
  /** Log in again: the server does not accept who this is (close code 4401, HTTP 401, `UNAUTHORIZED`). */
  | 'login'
  /** The server does not allow this origin (close code 4403, HTTP 403): see its `ALLOWED_ORIGINS`. */
  | 'origin'
  /** The URL, or a subprotocol, is one that nothing can dial. */
  | 'address'
  /** The browser blocks the address: `ws:` on an `https:` page, or `connect-src` of the CSP. */
  | 'blocked'
  /** The runtime lacks a part, such as `WebSocket` or `getRandomValues`: give it as `environment`. */
  | 'runtime'
  /** Nothing answers polls at `fallback.url`: set it, or `fallback: false`. */
  | 'fallback'

/** Facts of an error beside its code, so that no program has to read its message. */
export interface ErrorFacts {
  /** The close code of the link that ended or never opened; 3008 (timeout) and 4002 are the client's own. */
  readonly closeCode?: number
  /** The HTTP status of the answer to a poll or a POST; absent where none came. */
  readonly httpStatus?: number
  /** The channel that the error is about. */
  readonly channel?: string
  /** What may help; absent where nothing certain can be said. */
  readonly hint?: ErrorHint
}

const NAME = 'ResilientWebSocketError'

/**
 * Every error of this library: `socket.error`, the `error` event, and what promises reject with. `cause` is the error
 * behind it, if there is one: its `name` is `TimeoutError` where no answer came in time, and `NetworkError` where an HTTP
 * request ended without an answer.
 */
export class ResilientWebSocketError extends Error implements ErrorFacts {
  /** `ResilientWebSocketError`, also in code that was minified. */
  override readonly name: string = NAME
  /** What went wrong, for programs; the message is for people. */
  readonly code: ErrorCode
  /** The close code of the link that ended or never opened; absent where there was no link. */
  declare readonly closeCode?: number
  /** The HTTP status of the answer to a poll or a POST; absent where no answer came. */
  declare readonly httpStatus?: number
  /** The channel that the error is about; absent where it is about none or all. */
  declare readonly channel?: string
  /** What may help; absent where nothing certain can be said. */
  declare readonly hint?: ErrorHint

  /** `facts` become fields of the error. */
  constructor(code: ErrorCode, message: string, cause?: unknown, facts?: ErrorFacts) {
    super(message, { cause })
    this.code = code
    Object.assign(this, facts)
  }
}

/** True for an error of this library, also of another copy of it. */
export const isResilientWebSocketError = (value: unknown): value is ResilientWebSocketError =>
  (value as Error | undefined)?.name === NAME

/** The message of anything that was thrown, also of what is no `Error`. */
export const messageOf = (error: unknown): string =>
  (error as Error | null | undefined)?.message ?? String(error)

/** Anything that was thrown, or a message, as an error of this library. One that is such an error stays as it is. */
export const toError = (
  code: ErrorCode,
  error: unknown,
  facts?: ErrorFacts,
): ResilientWebSocketError => {
  if (isResilientWebSocketError(error)) return error
  const cause = typeof error === 'string' ? undefined : error
  return new ResilientWebSocketError(code, messageOf(error), cause, facts)
}

/** The same error with another message. */
export const withMessage = (
  error: ResilientWebSocketError,
  message: string,
): ResilientWebSocketError => new ResilientWebSocketError(error.code, message, error.cause, error)

/** An error that a program can tell by its name, to be the `cause` of one of this library. */
export const namedError = (
  name: 'TimeoutError' | 'NetworkError',
  message: string,
  cause?: unknown,
): Error => Object.assign(new Error(message, { cause }), { name })
