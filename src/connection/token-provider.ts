/** The token: asked for once, kept until it is refused, and then asked for once more. */
import { answerOf, isNothing, resolveValue, type ValueOrProvider } from '../shared/resolve-value.ts'

type Answer = string | undefined

export interface TokenProvider {
  /** True where the application has given a token, or a way to get one, or a server has been shown one. */
  readonly isConfigured: boolean
  /** The one that is known. */
  current(): string | undefined
  /** The one that is known, or what the option says: perhaps a promise. `undefined`: there is none. */
  request(): Answer | Promise<Answer>
  /**
   * Nobody waits any longer for the question under way: the next request asks anew. True if there was such a question.
   * Its late answer is kept all the same.
   */
  giveUp(): boolean
  /** A newer one; `undefined`: the next request asks for one. */
  set(token: string | undefined): void
  /** Another user: the known token is not theirs, nor is a string that was given as the option. */
  forget(): void
  /** The server refused the known token, or `used`. True if another may cure that: once until one was accepted. */
  refused(used?: string): boolean
  /** The server has accepted the token that it was shown. */
  accepted(): void
}

export const createTokenProvider = (option: ValueOrProvider<string> | undefined): TokenProvider => {
  let token: string | undefined
  let given: ValueOrProvider<string> | undefined = option
  /** The newest question, until it is answered. `answer` ends it with a token that came in another way. */
  let pending: { promise: Promise<Answer>; answer(token: string): void } | undefined
  let givenUp = false
  let renewed = false
  /** Grows with each change from outside and each token that is refused: older answers are not right any more. */
  let generation = 0

  const keep = (answer: unknown): Answer => {
    if (isNothing(answer)) return token
    if (typeof answer !== 'string') {
      throw new TypeError(`token: expected a string, or nothing, got ${typeof answer}`)
    }
    // The first to come: it may have been shown to the server already.
    token ??= answer
    pending?.answer(token)
    pending = undefined
    return token
  }

  const request = (): Answer | Promise<Answer> => {
    // One question at a time: a dial and a poll may come together.
    if (token !== undefined) return token
    if (pending && !givenUp) return pending.promise
    const requestedIn = generation
    const value: unknown = answerOf(() => resolveValue(given as ValueOrProvider<string>))
    const take = (answer: unknown): Answer => (requestedIn === generation ? keep(answer) : token)
    if (!(value instanceof Promise)) return take(value)

    let answer: (token: string) => void = () => {}
    const promise = new Promise<Answer>((resolve, reject) => {
      answer = resolve
      const done = (): void => {
        if (pending === question) pending = undefined
      }
      value.finally(done).then(take).then(resolve, reject)
    })
    const question = { promise, answer }
    pending = question
    givenUp = false
    return promise
  }

  const set = (next: string | undefined): void => {
    token = next
    if (next !== undefined) pending?.answer(next)
    pending = undefined
    renewed = false
    generation++
  }

  return {
    get isConfigured() {
      return (option ?? token) !== undefined
    },
    current: () => token,
    request,
    giveUp() {
      const waited = pending !== undefined && !givenUp
      givenUp = true
      return waited
    },
    set,
    forget() {
      set(undefined)
      if (typeof given === 'string') given = undefined
    },
    refused(used = token) {
      // There is a newer one, or it is being requested.
      if (used !== token) return true
      if (typeof option !== 'function') return false
      const again = !renewed
      if (token !== undefined) generation++
      token = undefined
      renewed = true
      return again
    },
    accepted() {
      renewed = false
    },
  }
}
