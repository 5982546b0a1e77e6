/** A token bucket that holds one second's worth, and the memory of who keeps overflowing it. */

/** Refusals within `ABUSE_WINDOW_MS` that make abuse of it. */
const ABUSE_COUNT = 500
const ABUSE_WINDOW_MS = 10_000
const WARN_EVERY_MS = 1000

export type RateVerdict = 'pass' | 'drop' | 'warn' | 'abuse'

/** Asked once for each message: may it pass? `warn` is a drop that should be told. */
export type RateLimit = () => RateVerdict

/** `now` is a monotonic clock in ms. */
export const createRateLimit = (
  rules: { readonly limit: number; readonly perMs: number } | false,
  now: () => number,
): RateLimit => {
  if (!rules) return () => 'pass'
  const perMs = rules.limit / rules.perMs
  const capacity = Math.max(1, perMs * 1000)
  let tokens = capacity
  let refilledAt = now()
  let warnedAt = Number.NEGATIVE_INFINITY
  let windowStart = 0
  let refused = 0

  return () => {
    const time = now()
    tokens = Math.min(capacity, tokens + (time - refilledAt) * perMs)
    refilledAt = time
    if (tokens >= 1) {
      tokens--
      return 'pass'
    }
    if (time - windowStart > ABUSE_WINDOW_MS) {
      windowStart = time
      refused = 0
    }
    if (++refused > ABUSE_COUNT) return 'abuse'
    if (time - warnedAt < WARN_EVERY_MS) return 'drop'
    warnedAt = time
    return 'warn'
  }
}
