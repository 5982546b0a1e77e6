/** How fast messages may leave: a token bucket that holds one second's worth. */

export interface Pace {
  /** How long to wait before the next one may leave, in ms. */
  delay(): number
  /** One has left. */
  spend(): void
  /** So many a second. */
  limit(ratePerSecond: number): void
  /** Nothing leaves for so long. */
  pause(delayMs: number): void
  /** A link is new: nothing has left on it, and nobody has asked for a pause. */
  renew(): void
}

/** No limit: more than any link carries, and a number to reckon with. */
const FASTEST = 1e9

/** `now` is a monotonic clock in ms. */
export const createPace = (ratePerSecond: number, now: () => number): Pace => {
  let rate = Math.min(ratePerSecond, FASTEST)
  const capacity = (): number => Math.max(rate, 1)
  let tokens = capacity()
  let refilledAt = now()
  let pausedUntil = 0

  return {
    delay() {
      const time = now()
      if (pausedUntil > time) return pausedUntil - time
      tokens = Math.min(capacity(), tokens + ((time - refilledAt) / 1000) * rate)
      refilledAt = time
      // A hair less than one whole token is one: timers and division round.
      return tokens > 0.9999 ? 0 : ((1 - tokens) / rate) * 1000
    },
    spend() {
      tokens--
    },
    limit(perSecond) {
      rate = Math.min(perSecond, FASTEST)
      tokens = Math.min(tokens, capacity())
    },
    pause(delayMs) {
      pausedUntil = now() + delayMs
    },
    renew() {
      tokens = capacity()
      refilledAt = now()
      pausedUntil = 0
    },
  }
}
