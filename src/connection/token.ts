/** The token: asked for once, kept until it is refused, and then asked for once more. */
import type { MaybeAsked } from '../options.ts'
import { ask, isThenable } from './ask.ts'

export interface TokenKeeper {
  /** The one that is known. */
  current(): string | undefined
  /** The one that is known, or what the option says: perhaps a promise. */
  wanted(): unknown
  /** The answer to that. */
  take(answer: unknown): string | undefined
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
  let asking: Promise<unknown> | undefined
  let renewed = false
  /** Grows with each change from outside: older answers are somebody else's. */
  let era = 0

  const wanted = (): unknown => {
    // One question at a time: a dial and a poll may come together.
    if (token !== undefined || asking) return token ?? asking
    const asked: unknown = ask(given as MaybeAsked<string>)
    if (!isThenable(asked)) return asked
    const mine = era
    const current = (then: () => unknown): unknown => {
      if (mine !== era) return wanted()
      asking = undefined
      return then()
    }
    asking = Promise.resolve(asked).then(
      answer => current(() => answer),
      thrown =>
        current(() => {
          throw thrown
        }),
    )
    return asking
  }

  const set = (next: string | undefined): void => {
    token = next
    asking = undefined
    renewed = false
    era++
  }

  return {
    current: () => token,
    wanted,
    set,
    forget() {
      set(undefined)
      if (typeof given === 'string') given = undefined
    },
    take(answer) {
      token ??= answer as string | undefined
      return token
    },
    refused(used = token) {
      // There is a newer one already.
      if (used !== token && token !== undefined) return true
      if (typeof option !== 'function') return false
      const again = !renewed
      token = undefined
      renewed = true
      return again
    },
    accepted() {
      renewed = false
    },
  }
}
