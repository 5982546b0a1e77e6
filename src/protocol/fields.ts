/** Reads values that anybody may have sent. */

export type Fields = Record<string, unknown>

/** The fields of an object; none for anything else. */
export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

/** An offset or a `seq`: a whole number from 0. */
export const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

export const text = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** A number that a server may announce; `undefined` for 0, for Infinity and for anything that is no number. */
export const positive = (value: unknown): number | undefined =>
  typeof value === 'number' && value > 0 && value < Number.POSITIVE_INFINITY ? value : undefined
