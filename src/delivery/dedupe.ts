/**
 * Remembers keys, bounded by count and by age. Nothing is ever deleted one by one, which would cost as much
 * again as remembering: two generations take turns, and a key's number says whether it still counts.
 */

export interface Dedupe {
  /** True the first time; false for a key that is remembered. `undefined` is never a duplicate. */
  isNew(key: unknown): boolean
  clear(): void
}

export const createDedupe = (size: number, ttlMs: number, now: () => number): Dedupe => {
  let young = new Map<unknown, number>()
  let old = young
  /** Of the last `size` keys, each at its number. */
  let times: number[] = []
  let count = 0

  return {
    isNew(key) {
      if (key === undefined || key === null) return true
      const time = now()
      const number = young.get(key) ?? old.get(key)
      if (
        number !== undefined &&
        count - number <= size &&
        (times[number % size] as number) > time - ttlMs
      ) {
        return false
      }
      if (young.size >= size) {
        old = young
        young = new Map()
      }
      young.set(key, count)
      times[count++ % size] = time
      return true
    },
    clear() {
      young = old = new Map()
      times = []
    },
  }
}
