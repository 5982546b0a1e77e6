/** A Map of the entries that were set last, of a bounded number. */
export interface LruMap<Value> {
  get(key: string): Value | undefined
  /** Makes it the newest entry; beyond the limit the oldest one is dropped. */
  set(key: string, value: Value): void
  /** Oldest first. */
  keys(): readonly string[]
}

export const createLruMap = <Value>(limit: number): LruMap<Value> => {
  const values = new Map<string, Value>()
  return {
    get: key => values.get(key),
    set(key, value) {
      // A Map iterates in the order of insertion.
      values.delete(key)
      values.set(key, value)
      if (values.size > limit) values.delete(values.keys().next().value as string)
    },
    keys: () => [...values.keys()],
  }
}
