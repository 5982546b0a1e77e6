/** Rate limits of clients that come by HTTP, by name: they have no connection that could keep theirs. */
import { createLruMap } from '../lru-map.ts'
import { createRateLimit, type RateLimit, type RateRule } from '../rate-limit.ts'

/** Names whose rate is kept. Beyond them the one that was silent longest goes. */
const MAX_NAMES = 10_000

export interface HttpRates {
  /** The rate of this name; a new one if none is kept. */
  of(name: string): RateLimit
  /** The rate of this name, if one is kept. */
  known(name: string): RateLimit | undefined
  /** Keeps a rate under this name, as the one used last. */
  keep(name: string, rate: RateLimit): void
}

export const createHttpRates = (rule: RateRule, now: () => number): HttpRates => {
  const rates = createLruMap<RateLimit>(MAX_NAMES)
  return {
    of(name) {
      const rate = rates.get(name) ?? createRateLimit(rule, now)
      rates.set(name, rate)
      return rate
    },
    known: name => rates.get(name),
    keep: rates.set,
  }
}
