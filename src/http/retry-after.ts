/** How long an HTTP answer asks to wait. */

/** No server may silence us for longer. */
const MAX_WAIT_MS = 3_600_000

/** The same where only our own clock can say how far away a date is, and may be wrong. */
const MAX_GUESS_MS = 60_000

/** The `Retry-After` of an answer in ms; 0 where there is none that makes sense. `now`: ms since the epoch. */
export const retryAfterMs = (headers: Headers, now: number): number => {
  const value = headers.get('retry-after') ?? ''
  if (/^\d+(\.\d+)?$/.test(value)) return Math.min(Number(value) * 1000, MAX_WAIT_MS)
  const until = Date.parse(value)
  const sent = Date.parse(headers.get('date') ?? '')
  const waitMs = sent ? Math.min(until - sent, MAX_WAIT_MS) : Math.min(until - now, MAX_GUESS_MS)
  // A date that is none is NaN.
  return waitMs > 0 ? waitMs : 0
}
