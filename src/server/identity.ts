/** Checks what an application's `authenticate` answers. Pure. */
import type { Identity } from './options.ts'
import { isObject } from './protocol/parse.ts'
import { show } from './validate.ts'

/**
 * The identity in an answer of `authenticate`; `null`: the token is refused, or its time is over. Throws a `TypeError` for
 * anything else, which is a mistake of the application and no reason to refuse the token.
 */
export const identityOf = (answer: unknown, now: number): Identity | null => {
  if (answer === null || answer === undefined) return null
  if (!isObject(answer)) {
    throw new TypeError(`authenticate: expected { user, expiresAt? } or null, got ${show(answer)}`)
  }
  const { user, expiresAt } = answer
  if (typeof user !== 'string' || !user) {
    throw new TypeError(`authenticate: expected user to be a text, got ${show(user)}`)
  }
  if (expiresAt === undefined || expiresAt === null) return { user }
  if (typeof expiresAt !== 'number' || Number.isNaN(expiresAt)) {
    const expected = 'expected expiresAt to be in ms since the epoch'
    throw new TypeError(`authenticate: ${expected}, got ${show(expiresAt)}`)
  }
  return expiresAt > now ? { user, expiresAt } : null
}
