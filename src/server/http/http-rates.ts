/** How fast those may ask who come by HTTP: no connection remembers it for them. */

import { createLruMap } from '../lru-map.ts'
import { createRateLimit, type RateLimit } from '../rate-limit.ts'

/** Names whose rate is remembered. Beyond them the one that was silent longest goes. */
const MOST_NAMES = 10_000

export interface HttpRates {
  /** The rate of this name; a new one if it is not remembered. */
  of(name: string): RateLimit
  /** The rate of this name, if it is remembered. */
  known(name: string): RateLimit | undefined
  /** Remembers a rate under this name, as the one heard last. */
  keep(name: string, rate: RateLimit): void
}

export const createHttpRates = (
  rules: { readonly limit: number; readonly perMs: number } | false,
  now: () => number,
): HttpRates => {
  const rates = createLruMap<RateLimit>(MOST_NAMES)
  return {
    of(name) {
      const rate = rates.get(name) ?? createRateLimit(rules, now)
      rates.set(name, rate)
      return rate
    },
    known: name => rates.get(name),
    keep: rates.set,
  }
}
