/**
 * How long ago, or how far ahead, a moment of a snapshot is. A snapshot names moments by the wall clock, which
 * somebody may set: the distance is taken when a moment is first seen, and counted on by the monotonic clock.
 */
export interface Moments {
  /** Milliseconds until `at`, never more than when it was first seen. */
  until(at: number): number
  /** Milliseconds since `at`. */
  since(at: number): number
}

interface Seen {
  readonly at: number
  readonly wall: number
  readonly monotonic: number
}

/** Makes the moments of one client. */
export const createMoments = (): Moments => {
  let next: Seen | undefined
  let last: Seen | undefined
  const see = (at: number): Seen => ({ at, wall: Date.now(), monotonic: performance.now() })
  return {
    until(at) {
      if (next?.at !== at) next = see(at)
      const left = next.at - next.wall - (performance.now() - next.monotonic)
      // The monotonic clock may stand still while the machine sleeps: then the wall clock is nearer.
      return Math.max(0, Math.min(left, at - Date.now()))
    },
    since(at) {
      if (last?.at !== at) last = see(at)
      const age = Math.max(0, last.wall - last.at) + performance.now() - last.monotonic
      return Math.max(age, Date.now() - at)
    },
  }
}
