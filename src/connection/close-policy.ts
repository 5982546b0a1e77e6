/** What the end of a link means. Pure. */
import * as CLOSE from '../protocol/close-codes.ts'
import type { CloseInfo } from '../transport/transport.ts'

const FINAL_CODES: readonly number[] = [
  CLOSE.PROTOCOL_ERROR,
  CLOSE.UNSUPPORTED_DATA,
  CLOSE.INVALID_DATA,
  CLOSE.POLICY_VIOLATION,
  CLOSE.MISSING_EXTENSION,
]

/** Codes that a new token may cure. */
export const isAboutToken = (code: number): boolean =>
  code === CLOSE.POLICY_VIOLATION || code === CLOSE.UNAUTHORIZED

/** `false`: final. Otherwise a retry, after so many ms where it is a number. */
export const judge = (
  close: CloseInfo,
  /** The application's own rule has said this of it. */
  own: boolean | number | undefined,
  curable: boolean,
): number | false | undefined => {
  if (typeof own === 'number') return own >= 0 ? own : undefined
  const { code } = close
  const final = FINAL_CODES.includes(code) || (code >= 4400 && code < 4500)
  return (own ?? (curable || !final)) ? undefined : false
}
