/** A Map that remembers the newest so many. */
export interface Recent<Value> {
  get(key: string): Value | undefined
  /** As the newest of all. */
  set(key: string, value: Value): void
  keys(): readonly string[]
}

export const createRecent = <Value>(limit: number): Recent<Value> => {
  const values = new Map<string, Value>()
  return {
    get: key => values.get(key),
    set(key, value) {
      // A Map remembers the order of what was set last.
      values.delete(key)
      values.set(key, value)
      if (values.size > limit) values.delete(values.keys().next().value as string)
    },
    keys: () => [...values.keys()],
  }
}
