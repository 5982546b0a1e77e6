/**
 * Remembers keys, bounded by count and by age: a ring of the last ones, and buckets that find them. Every message brings
 * a key that is never seen again, so nearly all that counts is to be sure of that with few and small places of memory:
 * an open table of all keys costs several times as much where the caches are cold, and a Map more than that table.
 */

export interface Dedupe {
  /**
   * True the first time; false for a key that is remembered under this label, or under none if there is none. What
   * is no name is never a duplicate.
   */
  isNew(key: unknown, label?: string): boolean
  clear(): void
}

/**
 * A string that is not empty, or a whole number within 2^53. Beyond that JSON.parse makes one number of many, and
 * '' is what some servers send for "no id".
 */
const isName = (key: unknown): key is string | number =>
  typeof key === 'string' ? key !== '' : Number.isSafeInteger(key)

/** Buckets at most, as a power of two. */
const MOST = 16

const fnv1a = (text: string, start: number): number => {
  let hash = start
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash
}

/**
 * 30 bits. Keys that are made to collide cost a walk past `size` numbers, and nothing else. With the label: a server
 * that counts each of its channels from 1 names as many messages 1 as it has channels.
 */
const hashOf = (key: string, label = ''): number => {
  const hash = fnv1a(label, fnv1a(key, 0x811c9dc5))
  return (hash ^ (hash >>> 15)) & 0x3fffffff
}

export const createDedupe = (size: number, ttlMs: number, now: () => number): Dedupe => {
  /** Of the last `size` keys, each at its place in the ring. */
  let keys: (string | number)[] = []
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

  /** The place of this key under this label, or -1. */
  const placeOf = (hash: number, key: string | number, label: string | undefined): number => {
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
      if (known === hash && keys[place] === key && labels[place] === label) return place
      seen |= bitOf(known)
      place = (older[place] as number) - 1
    }
    // Without the bits of those that are forgotten.
    table[bucket] = seen
    return -1
  }

  const put = (hash: number, key: string | number, label: string | undefined): void => {
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

  return {
    isNew(key, label) {
      if (!isName(key)) return true
      const hash = hashOf(typeof key === 'string' ? key : String(key), label)
      const place = placeOf(hash, key, label)
      if (place >= 0 && (times[place] as number) > now() - ttlMs) return false
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
}
