/** Promises that an application's function may give. */

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function'

/**
 * True for a promise where only an answer at once is of use. Its rejection is then not left unhandled, which would end
 * a process of Node.
 */
export const isLate = (answer: unknown): boolean => {
  if (!isThenable(answer)) return false
  Promise.resolve(answer).catch(() => {})
  return true
}
