/** Options that may be functions, and may take their time. */
import type { MaybeAsked } from '../options.ts'

/** The value, or what the function gives for it. */
export const ask = <T>(asked: MaybeAsked<T>): T | Promise<T> =>
  typeof asked === 'function' ? (asked as () => T | Promise<T>)() : asked

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'
