/**
 * Whether an HTTP answer is fresh, or a copy that a service worker or a cache kept. `Date` and `Age` tell, where
 * they can be read; our own clock is a hint, since it may be wrong.
 */
import type { Environment } from '../shared/runtime.ts'

/** A copy up to this age is as good as fresh; two servers' clocks may differ by as much. */
const MAX_AGE_MS = 60_000

/** `Date` counts whole seconds: answers further apart have different ones. */
const SAME_DATE_MS = 2000

export interface Freshness {
  /**
   * How old an answer is, in ms, if it is a copy that is too old; undefined if nothing speaks against it. `askedAt`:
   * when it was asked for, by the monotonic clock.
   */
  staleMs(headers: Headers, askedAt: number): number | undefined
}

interface Sighting {
  /** The answer's `Date`, ms since the epoch. */
  readonly date: number
  /** When it came, by the monotonic clock and by the clock on the wall. */
  readonly at: number
  readonly wallAt: number
}

export const createFreshness = ({
  now,
  monotonicNow,
}: Pick<Environment, 'now' | 'monotonicNow'>): Freshness => {
  /** The last answer that was taken, when its `Date` was new. */
  let taken: Sighting | undefined
  /** The last one that was not. */
  let refused: Sighting | undefined

  /** How much older an answer is than one made now would be. */
  const lagMs = (date: number): number => {
    if (!taken) return now() - date
    // The monotonic clock may stand still while the machine sleeps, and the other one may be set.
    const passed = Math.min(monotonicNow() - taken.at, now() - taken.wallAt)
    return taken.date + passed - date
  }

  return {
    staleMs(headers, askedAt) {
      const age = headers.get('age')
      if (Number(age) * 1000 > MAX_AGE_MS) return Number(age) * 1000
      const date = Date.parse(headers.get('date') ?? '')
      if (!date) return undefined
      // A cache that says how old its copies are may give one twice.
      if (age === null && date === taken?.date && askedAt - taken.at >= SAME_DATE_MS) {
        return askedAt - taken.at
      }
      const seen = { date, at: monotonicNow(), wallAt: now() }
      const lag = lagMs(date)
      if (lag > MAX_AGE_MS) {
        const before = refused
        refused = seen
        // A `Date` that moves on with time is no copy's: it is a clock that is wrong.
        const moved = before && date - before.date
        if (!moved || moved < 0 || moved < (askedAt - before.at) / 2) return lag
      }
      refused = undefined
      if (date !== taken?.date) taken = seen
      return undefined
    },
  }
}
