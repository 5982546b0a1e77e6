/** How long each wait is: exponential, capped, with jitter. Pure; the clock and chance come from outside. */

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
      // The delay itself counts where the application's function throws.
      return delay
    }
  }
  const low = Math.min(delay, max / (1 + jitter))
  return low + random() * (Math.min(delay * (1 + jitter), max) - low)
}

/**
 * The wait before a redial, in whole ms. `exactMs`: what a rule of the application, the server or the protocol asks for
 * in place of the backoff. A machine that says it is offline waits the longest delay at least.
 */
export const retryDelay = (
  rules: BackoffRules,
  { attempt, phase }: { readonly attempt: number; readonly phase: string },
  random: () => number,
  exactMs: number | undefined,
): number => {
  const least = phase === 'offline' ? rules.maxDelayMs : 0
  return Math.round(Math.max(least, exactMs ?? backoffDelay(rules, attempt, random)))
}

/** The wait for the next probe beside polling, in whole ms: a tenth more or less than `probeIntervalMs`. */
export const probeDelay = (
  probeIntervalMs: number,
  random: () => number,
  exactMs: number | undefined,
): number => Math.round(exactMs ?? probeIntervalMs * (0.9 + random() / 5))

/** After a heartbeat timeout: clients that lost the same server must not come back together. */
export const heartbeatLossDelay = (random: () => number): number => random() * 1000
