/** One dial: asks the application for address, subprotocols and token, opens a link, and does not wait for ever. */
import type { DialTarget } from '../protocol/protocol.ts'
import { faultOf } from '../shared/address.ts'
import { isThenable } from '../shared/promises.ts'
import { answerOf, isNothing, resolveValue, type ValueOrProvider } from '../shared/resolve-value.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { TokenProvider } from './token-provider.ts'

/** How a protocol changes what is dialed. */
export interface DialRules {
  /** Address and subprotocols in place of the application's; may be async. */
  target?(target: DialTarget, token: string | undefined): DialTarget | PromiseLike<DialTarget>
}

export interface DialerDeps {
  readonly environment: Environment
  readonly timers: Timers
  readonly token: TokenProvider
  readonly connectTimeoutMs: number
  readonly url: ValueOrProvider<string | URL>
  readonly protocols?: ValueOrProvider<string | readonly string[]>
}

export interface DialEvents {
  /** What was asked for is known, and can be dialed. */
  onAddress(target: DialTarget): void
  /** The application's answers cannot be dialed, or it gave none; `error` says why. */
  onFailed(error: unknown, hint?: 'address'): void
  /** `connectTimeoutMs` is over, or what `limit()` left of it. `unanswered`: options that have not answered. */
  onTimeout(unanswered: readonly string[]): void
}

export interface Dialer {
  /** When the dial under way began, by the monotonic clock. */
  readonly startedAt: number
  /** Options that the dial under way still waits for: `url`, `protocols`, `token`. */
  readonly unanswered: readonly string[]
  start(rules: DialRules, events: DialEvents): void
  /** Gives the dial under way so long, in ms, unless it has less left. */
  limit(withinMs: number): void
  /** Runs this after the caller has its client back, unless the dial under way is over by then. */
  later(run: () => void): void
  /** The link has opened: there is nothing left to wait for. */
  opened(): void
  /** The dial is given up, or its link is over: an answer that comes later counts for nothing. */
  stop(): void
}

const TIMER = 'connect'

/** A `TypeError` about the address. */
class BadAddress extends TypeError {}

/** What the application gave as address and subprotocols. Throws a `TypeError` that says what was expected. */
const checkedAddress = (url: unknown, offered: unknown): DialTarget => {
  if (!url) throw new BadAddress(`url: expected a URL, got '${url}'`)
  const fault =
    typeof url === 'string' || (url as URL).href
      ? faultOf(`${url}`)
      : `expected a string or a URL, got ${typeof url}`
  if (fault) throw new BadAddress(`url: ${fault}`)
  const protocols = [offered].flat().filter(each => !isNothing(each)) as string[]
  const odd = protocols.find(each => typeof each !== 'string')
  if (odd === undefined) return { url: `${url}`, protocols }
  throw new TypeError(
    `protocols: expected a string, an array of them or nothing, got ${typeof odd}`,
  )
}

export const createDialer = (deps: DialerDeps): Dialer => {
  const { timers, token } = deps
  const { monotonicNow } = deps.environment
  /** Grows with each dial and each end of one: what an older one still brings counts for nothing. */
  let dialId = 0
  let startedAt = 0
  /** When the dial under way is given up, by the monotonic clock. */
  let deadline = 0
  let onTimeout: DialEvents['onTimeout'] = () => {}
  const unanswered = new Set<string>()

  const limit = (withinMs: number): void => {
    const until = monotonicNow() + withinMs
    if (until >= deadline) return
    deadline = until
    timers.set(TIMER, withinMs, () => onTimeout([...unanswered]))
  }

  // The caller has its client before it hears that a dial failed.
  const later = (run: () => void): void => {
    const id = dialId
    queueMicrotask(() => {
      if (id === dialId) run()
    })
  }

  return {
    get startedAt() {
      return startedAt
    },
    get unanswered() {
      return [...unanswered]
    },
    start(rules, events) {
      const id = ++dialId
      const isOver = (): boolean => id !== dialId
      startedAt = monotonicNow()
      deadline = Number.POSITIVE_INFINITY
      onTimeout = events.onTimeout
      limit(deps.connectTimeoutMs)

      const fail = (error: unknown): void => {
        if (isOver()) return
        later(() => events.onFailed(error, error instanceof BadAddress ? 'address' : undefined))
      }

      const dial = (target: DialTarget): void => {
        if (!isOver()) events.onAddress(target)
      }

      const open = ([url, offered, known]: readonly unknown[]): void => {
        if (isOver()) return
        try {
          const given = checkedAddress(url, offered)
          const target = rules.target?.(given, known as string | undefined) ?? given
          if (isThenable(target)) target.then(dial, fail)
          else dial(target)
        } catch (error) {
          fail(error)
        }
      }

      const questions: Record<string, () => unknown> = {
        url: () => resolveValue(deps.url),
        protocols: () => resolveValue(deps.protocols),
        token: token.request,
      }
      const answers = Object.entries(questions).map(([name, question]) => {
        const answer = answerOf(question)
        if (!(answer instanceof Promise)) return answer
        unanswered.add(name)
        return answer.finally(() => !isOver() && unanswered.delete(name))
      })
      if (answers.some(answer => answer instanceof Promise)) {
        Promise.all(answers).then(open, fail)
      } else open(answers)
    },
    limit,
    later,
    opened: () => timers.clear(TIMER),
    stop() {
      dialId++
      unanswered.clear()
      token.giveUp()
      timers.clear(TIMER)
    },
  }
}
