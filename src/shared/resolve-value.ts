/** Options that may be functions, and may take their time. */
import { isThenable } from './promises.ts'

/**
 * A value, or a function that is asked for it on every dial. It may return a promise; an answer that takes longer than
 * its dial, or a function that throws or rejects, costs that attempt and no more.
 */
export type ValueOrProvider<T> = T | (() => T | Promise<T>)

/** The value, or what the function gives for it. */
export const resolveValue = <T>(given: ValueOrProvider<T>): T | Promise<T> =>
  typeof given === 'function' ? (given as () => T | Promise<T>)() : given

/** The answer, or a promise of it: also of one that is thrown, so that no other answer is left without a listener. */
export const answerOf = <T>(question: () => T): T | Promise<Awaited<T>> => {
  try {
    const answer = question()
    return isThenable(answer) ? (Promise.resolve(answer) as Promise<Awaited<T>>) : answer
  } catch (error) {
    return Promise.reject(error)
  }
}

/** `undefined`, `null` and `''`: what an application has when it has none. */
export const isNothing = (value: unknown): value is undefined | null | '' => (value ?? '') === ''
