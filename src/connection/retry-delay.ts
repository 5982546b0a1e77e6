/** How long to wait before a redial: exponential, capped, with jitter. Pure. */

export interface BackoffRules {
  readonly initialDelayMs: number
  readonly factor: number
  readonly maxDelayMs: number
  readonly jitter: number | ((delayMs: number, random: () => number) => number)
  readonly maxAttempts: number
}

/**
 * The wait before redial `attempt` (from 1), in ms. Drawn evenly from `[d, d * (1 + jitter)]`,
 * both ends scaled so that it never passes `maxDelayMs`; jitter added on top of the cap is the
 * known bug. Past `maxAttempts` (no fallback) it is the longest delay.
 */
export const backoffDelay = (
  rules: BackoffRules,
  attempt: number,
  random: () => number,
): number => {
  const { initialDelayMs, factor, maxDelayMs: max, jitter } = rules
  const grown = initialDelayMs && initialDelayMs * factor ** Math.max(attempt - 1, 0)
  const delay = attempt > rules.maxAttempts ? max : Math.min(grown, max)
  if (typeof jitter === 'function') {
    try {
      const drawn = jitter(delay, random)
      return drawn >= 0 ? Math.min(drawn, max) : delay
    } catch {
      // A rule that throws has no opinion.
      return delay
    }
  }
  const low = Math.min(delay, max / (1 + jitter))
  return low + random() * (Math.min(delay * (1 + jitter), max) - low)
}
