/** What the end of a link means. Pure. */
import type { CloseInfo } from '../transport/transport.ts'

const FINAL_CODES = [1002, 1003, 1007, 1008, 1010]

/** Codes that a new token may cure. */
export const isAboutToken = (code: number): boolean => code === 1008 || code === 4401

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
