/** Names of messages and sessions. */
import { urlAlphabet } from 'nanoid'
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

const textOf = (bytes: Uint8Array): string => {
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = urlAlphabet.charCodeAt((bytes[at] as number) & 63)
  }
  // A spread would ask an iterator for each character.
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}

export const createIds = (environment: Environment): Ids => {
  /** Names behind each other: to cut one out takes a twentieth of the memory that it takes to make one. */
  let pool = ''
  let used = 0
  return {
    next() {
      if (used === pool.length) {
        const { getRandomValues, random } = environment
        if (!getRandomValues) {
          return textOf(Uint8Array.from({ length: ID_LENGTH }, () => random() * 256))
        }
        const bytes = new Uint8Array(ID_LENGTH * POOLED)
        getRandomValues(bytes)
        pool = textOf(bytes)
        used = 0
      }
      used += ID_LENGTH
      return pool.slice(used - ID_LENGTH, used)
    },
    secret() {
      const { getRandomValues } = environment
      if (!getRandomValues) return undefined
      // Never pooled: it must not be made of what another name was made of.
      const bytes = new Uint8Array(SECRET_LENGTH)
      getRandomValues(bytes)
      return textOf(bytes)
    },
  }
}
