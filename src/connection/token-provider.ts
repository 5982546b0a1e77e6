/** The token: asked for once, kept until it is refused, and then asked for once more. */
import type { MaybeAsked } from '../options/options.ts'
import { answerOf, ask, isNothing } from '../shared/resolve-value.ts'

type Answer = string | undefined

export interface TokenKeeper {
  /** The one that is known. */
  current(): string | undefined
  /** The one that is known, or what the option says: perhaps a promise. `undefined`: there is none. */
  wanted(): Answer | Promise<Answer>
  /**
   * Nobody waits any longer for the question under way: the next one to want a token asks anew. True if there was
   * such a question. Its late answer is kept all the same.
   */
  giveUp(): boolean
  /** A newer one; `undefined`: the next that is needed is asked for. */
  set(token: string | undefined): void
  /** Another user: what is known is not theirs, nor is a string that was given as the option. */
  forget(): void
  /** It was refused, or `used` was. True if another may cure that: once until one was accepted. */
  refused(used?: string): boolean
  /** The server has accepted the one that it was told. */
  accepted(): void
}

export const createTokenKeeper = (option: MaybeAsked<string> | undefined): TokenKeeper => {
  let token: string | undefined
  let given: MaybeAsked<string> | undefined = option
  /** The newest question, until it is answered. `answer` ends it with a token that came in another way. */
  let asking: { promise: Promise<Answer>; answer(token: string): void } | undefined
  let givenUp = false
  let renewed = false
  /** Grows with each change from outside and each token that is refused: older answers are not right any more. */
  let era = 0

  const keep = (answer: unknown): Answer => {
    if (isNothing(answer)) return token
    if (typeof answer !== 'string') {
      throw new TypeError(`token: expected a string, or nothing, got ${typeof answer}`)
    }
    // The first to come: it may have been told to the server already.
    token ??= answer
    asking?.answer(token)
    asking = undefined
    return token
  }

  const wanted = (): Answer | Promise<Answer> => {
    // One question at a time: a dial and a poll may come together.
    if (token !== undefined) return token
    if (asking && !givenUp) return asking.promise
    const mine = era
    const asked: unknown = answerOf(() => ask(given as MaybeAsked<string>))
    const take = (answer: unknown): Answer => (mine === era ? keep(answer) : token)
    if (!(asked instanceof Promise)) return take(asked)

    let answer: (token: string) => void = () => {}
    const promise = new Promise<Answer>((resolve, reject) => {
      answer = resolve
      const done = (): void => {
        if (asking === question) asking = undefined
      }
      asked.finally(done).then(take).then(resolve, reject)
    })
    const question = { promise, answer }
    asking = question
    givenUp = false
    return promise
  }

  const set = (next: string | undefined): void => {
    token = next
    if (next !== undefined) asking?.answer(next)
    asking = undefined
    renewed = false
    era++
  }

  return {
    current: () => token,
    wanted,
    giveUp() {
      const waited = asking !== undefined && !givenUp
      givenUp = true
      return waited
    },
    set,
    forget() {
      set(undefined)
      if (typeof given === 'string') given = undefined
    },
    refused(used = token) {
      // There is a newer one, or it is being asked for.
      if (used !== token) return true
      if (typeof option !== 'function') return false
      const again = !renewed
      if (token !== undefined) era++
      token = undefined
      renewed = true
      return again
    },
    accepted() {
      renewed = false
    },
  }
}
