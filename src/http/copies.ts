/** Refuses answers that are copies of old ones, and reports the first of them. */
import type { Log } from '../shared/log.ts'
import type { Freshness } from './freshness.ts'
import { answerError } from './request.ts'

const ADVICE =
  'let the service worker or cache pass polls through to the network (docs/browsers.md)'

/** Thrown for a copy that follows another one: one error is enough for all of them. */
export const REPEATED_COPY: unique symbol = /* @__PURE__ */ Symbol('repeated copy')

/** Returns a function that throws for a copy. `askedAt`: when the poll was sent, by the monotonic clock. */
export const createCopyCheck = (
  freshness: Freshness,
  log: Log,
): ((response: Response, askedAt: number) => void) => {
  let wasCopy = false
  return ({ headers, status }, askedAt) => {
    const staleMs = freshness.staleMs(headers, askedAt)
    const isRepeated = wasCopy
    wasCopy = staleMs !== undefined
    if (staleMs === undefined) return
    if (isRepeated) throw REPEATED_COPY
    const seconds = Math.round(staleMs / 1000)
    const message = `Poll failed: got a copy that is ${seconds} s old; ${ADVICE}`
    log('warn', message)
    throw answerError(message, status)
  }
}
