/** What `authenticate` of an application may answer. Pure. */

import type { Identity } from './options.ts'
import { isObject } from './protocol/parse.ts'
import { show } from './validate.ts'

/**
 * The identity that it named; `null`: the token is refused, or its time is over. Throws a `TypeError` for anything
 * else: that is a mistake of the application and says nothing of the token.
 */
export const identityOf = (given: unknown, now: number): Identity | null => {
  if (given === null || given === undefined) return null
  if (!isObject(given)) {
    throw new TypeError(`authenticate: expected { user, expiresAt? } or null, got ${show(given)}`)
  }
  const { user, expiresAt } = given
  if (typeof user !== 'string' || !user) {
    throw new TypeError(`authenticate: expected user to be a text, got ${show(user)}`)
  }
  if (expiresAt === undefined || expiresAt === null) return { user }
  if (typeof expiresAt !== 'number' || Number.isNaN(expiresAt)) {
    const words = 'expected expiresAt to be in ms since the epoch'
    throw new TypeError(`authenticate: ${words}, got ${show(expiresAt)}`)
  }
  return expiresAt > now ? { user, expiresAt } : null
}
