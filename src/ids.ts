/** Names of messages and sessions. */
import { customRandom, urlAlphabet } from 'nanoid'
import type { Environment } from './environment.ts'

export interface Ids {
  /** A name that no other message has. Where there is no `getRandomValues` it comes from `random`. */
  next(): string
  /** A name that nobody can guess, of 132 random bits; `undefined` where there is no `getRandomValues`. */
  secret(): string | undefined
}

/** Characters of 6 bits. */
const ID_LENGTH = 21
const SECRET_LENGTH = 22

export const createIds = (environment: Environment): Ids => {
  const make = customRandom(urlAlphabet, ID_LENGTH, count => {
    const { getRandomValues, random } = environment
    const bytes = new Uint8Array(count)
    if (getRandomValues) getRandomValues(bytes)
    else for (let at = 0; at < count; at++) bytes[at] = random() * 256
    return bytes
  })
  return {
    next: () => make(),
    secret: () => (environment.getRandomValues ? make(SECRET_LENGTH) : undefined),
  }
}
