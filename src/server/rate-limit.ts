/** A token bucket that holds one second's worth, and the memory of who keeps overflowing it. */

/** Refusals within `ABUSE_WINDOW_MS` that make abuse of it. */
const ABUSE_COUNT = 500
const ABUSE_WINDOW_MS = 10_000
const WARN_EVERY_MS = 1000

export type RateVerdict = 'pass' | 'drop' | 'warn' | 'abuse'

/**
 * Asked once for each message, or for what counts as several and is refused or not as one: may it pass? `warn` is a drop
 * that should be told. `isIn`: it has passed already, and turns out to count for so many more.
 */
export type RateLimit = (count?: number, isIn?: boolean) => RateVerdict

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
  /** When the newest refusals were, in a ring: with one more than are borne, the oldest tells of all. */
  let refusals: Float64Array | undefined
  let refused = 0

  const isAbuse = (time: number): boolean => {
    refusals ??= new Float64Array(ABUSE_COUNT + 1).fill(Number.NEGATIVE_INFINITY)
    refusals[refused++ % refusals.length] = time
    return time - (refusals[refused % refusals.length] as number) <= ABUSE_WINDOW_MS
  }

  return (count = 1, isIn = false) => {
    const time = now()
    tokens = Math.min(capacity, tokens + (time - refilledAt) * perMs)
    refilledAt = time
    if (tokens >= 1 || isIn) {
      // What counts for many may leave a debt: such that whoever waits the second that is named may go on.
      tokens = Math.max(1 - capacity, tokens - count)
      return 'pass'
    }
    if (isAbuse(time)) return 'abuse'
    if (time - warnedAt < WARN_EVERY_MS) return 'drop'
    warnedAt = time
    return 'warn'
  }
}
