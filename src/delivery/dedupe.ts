/**
 * Remembers keys, bounded by count and by age. Nothing is ever deleted one by one, which would cost as much
 * again as remembering: two generations take turns, and a key's number says whether it still counts.
 */

export interface Dedupe {
  /**
   * True the first time; false for a key that is remembered, unless it came under another label. `undefined` is
   * never a duplicate.
   */
  isNew(key: unknown, label?: string): boolean
  clear(): void
}

export const createDedupe = (size: number, ttlMs: number, now: () => number): Dedupe => {
  let young = new Map<unknown, number>()
  let old = young
  /** Of the last `size` keys, each at its number. */
  let times: number[] = []
  let labels: (string | undefined)[] = []
  let count = 0

  const dedupe: Dedupe = {
    isNew(key, label) {
      if (key === undefined || key === null) return true
      const time = now()
      const number = young.get(key) ?? old.get(key)
      if (
        number !== undefined &&
        count - number <= size &&
        (times[number % size] as number) > time - ttlMs
      ) {
        const first = labels[number % size]
        return label !== undefined && first !== undefined && label !== first
          ? dedupe.isNew(`${label}\n${key}`)
          : false
      }
      if (young.size >= size) {
        old = young
        young = new Map()
      }
      young.set(key, count)
      labels[count % size] = label
      times[count++ % size] = time
      return true
    },
    clear() {
      young = old = new Map()
      times = []
      labels = []
    },
  }
  return dedupe
}
