/** A token bucket that holds one second's worth, and counts refusals to notice abuse. */

/** More refusals than this within `ABUSE_WINDOW_MS` are abuse. */
const MAX_REFUSALS = 500
const ABUSE_WINDOW_MS = 10_000
const WARN_EVERY_MS = 1000

/** `warn` is a `drop` of which the sender should be informed; `abuse` should end its connection. */
export type RateVerdict = 'pass' | 'drop' | 'warn' | 'abuse'

/**
 * Called once for each message: may it pass? `count`: how many messages it counts for; they pass or are refused as
 * one. `isIn`: it has passed already, and turns out to count for `count` more.
 */
export type RateLimit = (count?: number, isIn?: boolean) => RateVerdict

/** `limit` messages in each `perMs`; `false`: any number. */
export type RateRule = { readonly limit: number; readonly perMs: number } | false

/** `now` is a monotonic clock in ms. */
export const createRateLimit = (rule: RateRule, now: () => number): RateLimit => {
  if (!rule) return () => 'pass'
  const perMs = rule.limit / rule.perMs
  const capacity = Math.max(1, perMs * 1000)
  let tokens = capacity
  let refilledAt = now()
  let warnedAt = Number.NEGATIVE_INFINITY
  /** The times of the newest refusals, in a ring with one more place than may be taken within the window. */
  let refusals: Float64Array | undefined
  let refused = 0

  const isAbuse = (time: number): boolean => {
    refusals ??= new Float64Array(MAX_REFUSALS + 1).fill(Number.NEGATIVE_INFINITY)
    refusals[refused++ % refusals.length] = time
    return time - (refusals[refused % refusals.length] as number) <= ABUSE_WINDOW_MS
  }

  return (count = 1, isIn = false) => {
    const time = now()
    tokens = Math.min(capacity, tokens + (time - refilledAt) * perMs)
    refilledAt = time
    if (tokens >= 1 || isIn) {
      // A message that counts for many may leave a debt, of one second at most: the time that its sender is told to wait.
      tokens = Math.max(1 - capacity, tokens - count)
      return 'pass'
    }
    if (isAbuse(time)) return 'abuse'
    if (time - warnedAt < WARN_EVERY_MS) return 'drop'
    warnedAt = time
    return 'warn'
  }
}
