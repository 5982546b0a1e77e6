/** Where log lines go, and how values from outside are written into them. */

/** `console`, or anything with its four methods. */
export interface ServerLogger {
  /** A mistake of one client that ends nothing. */
  debug(...parts: unknown[]): void
  /** Connections that come and go, and a broker that is back. */
  info(...parts: unknown[]): void
  /** A refusal, with the option that would allow the request; a broker that is away. */
  warn(...parts: unknown[]): void
  /** A failure of the application, the broker or the network. */
  error(...parts: unknown[]): void
}

const MAX_LOGGED_CHARACTERS = 200

/** Any value from outside as one short line, without control characters. */
export const forLog = (value: unknown): string =>
  String(value)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
    .slice(0, MAX_LOGGED_CHARACTERS)
