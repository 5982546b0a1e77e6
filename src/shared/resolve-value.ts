/** Options that may be functions, and may take their time. */
import type { MaybeAsked } from '../options/options.ts'
import { isThenable } from './promises.ts'

/** The value, or what the function gives for it. */
export const ask = <T>(asked: MaybeAsked<T>): T | Promise<T> =>
  typeof asked === 'function' ? (asked as () => T | Promise<T>)() : asked

/** The answer, or a promise of it: also of one that is thrown, so that no other answer is left without a listener. */
export const answerOf = <T>(question: () => T): T | Promise<Awaited<T>> => {
  try {
    const answer = question()
    return isThenable(answer) ? (Promise.resolve(answer) as Promise<Awaited<T>>) : answer
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

/** `undefined`, `null` and `''`: what an application has when it has none. */
export const isNothing = (value: unknown): value is undefined | null | '' => (value ?? '') === ''
