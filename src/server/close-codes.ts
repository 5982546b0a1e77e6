/** The close codes of this server, each number once, and the rules of a close frame. Pure. */

/** `server.close()`: the process ends. */
export const CLOSE_GOING_AWAY = 1001
/** A frame larger than the client may send. */
export const CLOSE_TOO_LARGE = 1009
/** `server.drain()`, or a session whose state the server lost: the client connects again and goes on. */
export const CLOSE_RESTART = 1012
/** Too slow, too fast, or the broker is away: the client comes back later. */
export const CLOSE_TRY_AGAIN_LATER = 1013
/** The token was refused, or has expired. */
export const CLOSE_UNAUTHORIZED = 4401
/** No token within `authTimeoutMs`. */
export const CLOSE_AUTH_TIMEOUT = 4408
/** A newer connection of the same session has taken over. */
export const CLOSE_REPLACED = 4409

/** Bytes that a close frame holds beside its code. */
const MAX_REASON_BYTES = 123

/** As much of a reason as fits into a close frame, cut between two characters: half of one would become three bytes. */
export const closeReasonOf = (text: string): string =>
  text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(MAX_REASON_BYTES)).read)

/** Throws a `RangeError` for a code that must not be in a close frame. */
export const requireCloseCode = (code: number): void => {
  const standard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)
  if (Number.isInteger(code) && (standard || (code >= 3000 && code <= 4999))) return
  const expected = 'a code of 1000 to 1003, 1007 to 1014 or 3000 to 4999'
  throw new RangeError(`close: expected ${expected}, got ${code}`)
}
