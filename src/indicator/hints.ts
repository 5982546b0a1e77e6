/** What may help against an error, for those who look at the details. */
import type { ResilientWebSocketError } from 'resilient-websocket'
import type { IndicatorStrings } from './describe.ts'

type Rule = readonly [about: RegExp, hint: Exclude<keyof IndicatorStrings, 'reasons'>]

const ANY = /^/
const NO_ANSWER: Rule = [/timeout|timed out|in time|no answer/i, 'hintNoAnswer']
const LINK: readonly Rule[] = [
  NO_ANSWER,
  [/^url:/, 'hintAddress'],
  [/^Connection (lost|failed)/, 'hintUnreachable'],
]

/** By code first: the words of a message may be anybody's. */
const HINTS: Readonly<Record<string, readonly Rule[]>> = {
  LOST: LINK,
  FAILED: LINK,
  REFUSED: [
    [/\b4?401\b/, 'hintLogin'],
    [/\b4?403\b/, 'hintOrigin'],
    [/\bCSP\b/, 'hintAddress'],
  ],
  UNAUTHORIZED: [[ANY, 'hintLogin']],
  POLL: [
    [/^No fallback/, 'hintFallback'],
    [/HTTP 5/, 'hintServer'],
    NO_ANSWER,
    [/fetch|network|load failed/i, 'hintUnreachable'],
  ],
  BAD_MESSAGE: [[ANY, 'hintMessage']],
  RATE_LIMITED: [[ANY, 'hintSlower']],
}

/** The hint for an error; undefined where there is none. */
export const hintFor = (
  error: ResilientWebSocketError | null,
  words: IndicatorStrings,
): string | undefined => {
  if (!error || !Object.hasOwn(HINTS, error.code)) return undefined
  const rule = HINTS[error.code]?.find(([about]) => about.test(error.message))
  return rule && words[rule[1]]
}
