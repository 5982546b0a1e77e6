/**
 * Remembers keys, bounded by count and by age: a ring of the last ones, and buckets that find them. Every message brings
 * a key that is never seen again, so nearly all that counts is to be sure of that with few and small places of memory:
 * an open table of all keys costs several times as much where the caches are cold, and a Map more than that table.
 */

export interface Dedupe {
  /**
   * True the first time; false for a key that is remembered, unless it came under another label. `undefined`,
   * `null` and objects name nothing and are never duplicates.
   */
  isNew(key: unknown, label?: string): boolean
  clear(): void
}

/** Buckets at most, as a power of two. */
const MOST = 16

/** 30 bits of FNV-1a. Keys that are made to collide cost a walk past `size` numbers, and nothing else. */
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
  const hashes: number[] = []
  const times: number[] = []
  let labels: (string | undefined)[] = []
  /** Of each place the one in the same bucket that came before it, plus one. */
  const older: number[] = []
  /** The place of the next key. */
  let next = 0
  const buckets = 2 ** Math.min(MOST, Math.ceil(Math.log2(Math.max(size / 4, 1))))
  /**
   * Of each bucket a bit for each of its keys (what has no bit here is new), and its newest place plus one. Side by side,
   * since to reach a bucket in memory is what a new key costs most.
   */
  const table = new Int32Array(buckets * 2)

  /** Where the bucket of a key begins. */
  const bucketOf = (hash: number): number => (hash & (buckets - 1)) * 2

  const bitOf = (hash: number): number => 1 << (hash >>> 25)

  /** The place of this key, or -1. */
  const placeOf = (hash: number, key: unknown): number => {
    const bucket = bucketOf(hash)
    if (!((table[bucket] as number) & bitOf(hash))) return -1
    let seen = 0
    let age = 0
    for (let place = (table[bucket + 1] as number) - 1; place >= 0; ) {
      // Places are taken anew: behind one that was, keys of other buckets may follow, and what is no older ends it.
      const itsAge = next - place + (place < next ? 0 : size)
      if (itsAge <= age) break
      age = itsAge
      const known = hashes[place] as number
      if (known === hash && keys[place] === key) return place
      seen |= bitOf(known)
      place = (older[place] as number) - 1
    }
    // Without the bits of those that are forgotten.
    table[bucket] = seen
    return -1
  }

  const put = (hash: number, key: unknown, label: string | undefined): void => {
    const bucket = bucketOf(hash)
    keys[next] = key
    hashes[next] = hash
    times[next] = now()
    labels[next] = label
    older[next] = table[bucket + 1] as number
    table[bucket] = (table[bucket] as number) | bitOf(hash)
    table[bucket + 1] = ++next
    if (next === size) next = 0
  }

  const dedupe: Dedupe = {
    isNew(key, label) {
      if (key === undefined || typeof key === 'object') return true
      const hash = hashOf(typeof key === 'string' ? key : String(key))
      const place = placeOf(hash, key)
      if (place >= 0 && (times[place] as number) > now() - ttlMs) {
        const first = labels[place]
        return label !== undefined && first !== undefined && label !== first
          ? dedupe.isNew(`${label}\n${key as string}`)
          : false
      }
      put(hash, key, label)
      return true
    },
    clear() {
      keys = []
      labels = []
      next = 0
      table.fill(0)
    },
  }
  return dedupe
}
