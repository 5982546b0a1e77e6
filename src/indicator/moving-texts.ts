/** Texts that change by themselves with time: the countdown to the next try, and the age of the data. */
import type { Snapshot } from 'resilient-websocket'
import { fill, type IndicatorStrings } from './describe.ts'
import type { Moments } from './moments.ts'

/** Data up to this age, in ms, is not worth a text. */
const YOUNG_MS = 3000

/** When the next try is due; empty where none is. */
export const countdown = (
  snapshot: Snapshot,
  texts: IndicatorStrings,
  moments: Moments,
): string => {
  const { nextRetryAt, status, attempt, maxAttempts: max } = snapshot
  if (nextRetryAt === null) return ''
  const seconds = Math.ceil(moments.until(nextRetryAt) / 1000)
  // Without a fallback the client goes on past the last attempt.
  const counted = status === 'RECONNECTING' && attempt <= max
  return fill(counted ? texts.countdown : texts.probe, { seconds, attempt, max })
}

/** How old the last data is; empty while it is young or there is none. */
export const age = (
  { lastMessageAt }: Snapshot,
  texts: IndicatorStrings,
  moments: Moments,
): string => {
  const ms = lastMessageAt === null ? 0 : moments.since(lastMessageAt)
  if (ms <= YOUNG_MS) return ''
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const text = minutes < 2 ? texts.age : hours < 2 ? texts.ageMinutes : texts.ageHours
  return fill(text, { seconds, minutes, hours })
}
