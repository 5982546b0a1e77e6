/** Chance that a seed decides: the same seed, the same run. */

export interface Chance {
  /** Even in [0, 1). */
  next(): number
  /** A whole number in [low, high]. */
  whole(low: number, high: number): number
  /** True with this probability. */
  maybe(probability: number): boolean
  pick<T>(list: readonly T[]): T
}

/** mulberry32. */
export const createChance = (seed: number): Chance => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    maybe: probability => next() < probability,
    pick: <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T,
  }
}
