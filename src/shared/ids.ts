/** Names of messages and sessions. */
import { customRandom, urlAlphabet } from 'nanoid'
import type { Environment } from './runtime.ts'

export interface Ids {
  /** A name that no other message has. Where there is no `getRandomValues` it comes from `random`. */
  next(): string
  /** A name that nobody can guess, of 132 random bits; `undefined` where there is no `getRandomValues`. */
  secret(): string | undefined
}

/** Characters of 6 bits. */
const ID_LENGTH = 21
const SECRET_LENGTH = 22

/** Names that one call of `getRandomValues` is good for: it costs several times as much as the name. */
const POOLED = 64

export const createIds = (environment: Environment): Ids => {
  let pool = new Uint8Array(0)
  let used = 0
  const make = customRandom(urlAlphabet, ID_LENGTH, count => {
    const { getRandomValues, random } = environment
    // Never pooled: a secret must not be made of it, should `crypto` come later.
    if (!getRandomValues) return Uint8Array.from({ length: count }, () => random() * 256)
    if (used + count > pool.length) {
      pool = new Uint8Array(count * POOLED)
      getRandomValues(pool)
      used = 0
    }
    used += count
    return pool.subarray(used - count, used)
  })
  return {
    next: () => make(),
    secret: () => (environment.getRandomValues ? make(SECRET_LENGTH) : undefined),
  }
}
