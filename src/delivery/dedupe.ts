/**
 * Remembers keys, bounded by count and by age: a ring of the last ones, and a table of numbers that finds them. A Map
 * would cost three times as much here, where every message brings a key that is never seen again: it is the largest
 * part of receiving a message.
 */

export interface Dedupe {
  /**
   * True the first time; false for a key that is remembered, unless it came under another label. `undefined`,
   * `null` and objects name nothing and are never duplicates.
   */
  isNew(key: unknown, label?: string): boolean
  clear(): void
}

/** Slots of the table, a power of two; it doubles when it is half full, as long as that is needed. */
const FIRST_SLOTS = 64

/** 30 bits of FNV-1a. Keys that are made to collide cost a walk past a few times `size` numbers, and nothing else. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) & 0x3fffffff
}

export const createDedupe = (size: number, ttlMs: number, now: () => number): Dedupe => {
  /** Of the last `size` keys, each at its place in the ring. */
  let keys: unknown[] = []
  let hashes: number[] = []
  let times: number[] = []
  let labels: (string | undefined)[] = []
  let count = 0
  /** Places plus one; 0 is free. A place that has another key by now is passed over. */
  let table = new Int32Array(FIRST_SLOTS)
  let used = 0

  /** The slot of this key, or the free one where it belongs. */
  const slotOf = (hash: number, key: unknown): number => {
    const mask = table.length - 1
    let slot = hash & mask
    for (let place = table[slot]; place; place = table[slot]) {
      if (hashes[place - 1] === hash && keys[place - 1] === key) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  const put = (slot: number, place: number): void => {
    if (!table[slot]) used++
    table[slot] = place + 1
  }

  /** Without the places that were passed over. */
  const rebuild = (): void => {
    table = new Int32Array(table.length << (keys.length * 4 > table.length ? 1 : 0))
    used = 0
    hashes.forEach((hash, place) => {
      const key = keys[place]
      if (key !== undefined) put(slotOf(hash, key), place)
    })
  }

  const dedupe: Dedupe = {
    isNew(key, label) {
      if (key === undefined || typeof key === 'object') return true
      const time = now()
      const hash = hashOf(typeof key === 'string' ? key : String(key))
      const slot = slotOf(hash, key)
      const known = (table[slot] as number) - 1
      if (known >= 0 && (times[known] as number) > time - ttlMs) {
        const first = labels[known]
        return label !== undefined && first !== undefined && label !== first
          ? dedupe.isNew(`${label}\n${key as string}`)
          : false
      }
      // Too old to count, and found no more.
      if (known >= 0) keys[known] = undefined
      const place = count++ % size
      keys[place] = key
      hashes[place] = hash
      times[place] = time
      labels[place] = label
      put(slot, place)
      if (used * 2 > table.length) rebuild()
      return true
    },
    clear() {
      keys = []
      hashes = []
      times = []
      labels = []
      count = used = 0
      table = new Int32Array(FIRST_SLOTS)
    },
  }
  return dedupe
}
