/** Remembers keys, bounded by count and by age. A ring and a set: nothing is allocated per message. */

export interface Dedupe {
  /** True the first time; false for a key that is remembered. `undefined` is never a duplicate. */
  isNew(key: unknown): boolean
  clear(): void
}

export const createDedupe = (size: number, ttlMs: number, now: () => number): Dedupe => {
  const known = new Set<unknown>()
  let keys: unknown[] = []
  let times: number[] = []
  let oldest = 0

  const forgetOldest = (): void => {
    known.delete(keys[oldest])
    keys[oldest] = undefined
    oldest = (oldest + 1) % size
  }

  return {
    isNew(key) {
      if (key === undefined || key === null) return true
      const time = now()
      while (known.size && (times[oldest] as number) <= time - ttlMs) forgetOldest()
      if (known.has(key)) return false
      if (known.size === size) forgetOldest()
      const slot = (oldest + known.size) % size
      known.add(key)
      keys[slot] = key
      times[slot] = time
      return true
    },
    clear() {
      known.clear()
      keys = []
      times = []
      oldest = 0
    },
  }
}
