/** Log lines of the client, through the application's logger. */

/** `console`, or anything with its four methods. */
export interface Logger {
  /** Every message, and every one that is dropped on the way in. */
  debug(...words: unknown[]): void
  /** What becomes of the connection. */
  info(...words: unknown[]): void
  /** Something to change in the application or the server, logged once. */
  warn(...words: unknown[]): void
  /** A listener that threw, and a cause that has no event. */
  error(...words: unknown[]): void
}

/** `message` may be a function where it is costly to make: it is called only if somebody listens. */
export type Log = (level: keyof Logger, message: string | (() => string)) => void

export const createLog =
  (logger: Logger | undefined): Log =>
  (level, message) => {
    try {
      logger?.[level](`[WebSocket] ${typeof message === 'string' ? message : message()}`)
    } catch {
      // A logger that fails is no reason to fail.
    }
  }
