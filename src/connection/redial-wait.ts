/** The wait before the next dial: how long it is, and that it is told. */
import type { CoreSettings } from '../options/settings.ts'
import type { Log } from '../shared/log.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { ConnectionCore } from './connection-core.ts'
import { probeDelay, retryDelay } from './retry-delay.ts'
import type { AskRule } from './rules.ts'
import type { RunLoop } from './run-loop.ts'

/** A wait for a redial. */
export interface Retry {
  /** Which redial it will be, from 1. */
  readonly attempt: number
  /** `reconnect.maxAttempts`: after so many the fallback follows, if there is one. */
  readonly maxAttempts: number
  /** As drawn, in ms. */
  readonly delayMs: number
  /** When it ends, ms since the epoch. */
  readonly at: number
}

export interface RedialWaitDeps {
  readonly reconnect: CoreSettings['reconnect']
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly loop: RunLoop
  readonly core: ConnectionCore
  readonly askRule: AskRule
  onRetry(retry: Retry): void
}

export interface RedialWait {
  /** When the next dial is due, ms since the epoch; `null`: the client does not wait for one. */
  readonly endsAt: number | null
  /** `afterMs`: exactly so long, instead of the backoff. */
  begin(afterMs: number | undefined): void
  end(): void
}

const TIMER = 'wait'

export const createRedialWait = (deps: RedialWaitDeps): RedialWait => {
  const { reconnect, timers, core, askRule } = deps
  const { now, random } = deps.environment
  const { jitter } = reconnect
  const backoff =
    typeof jitter === 'function'
      ? {
          ...reconnect,
          jitter: (delayMs: number) =>
            askRule('reconnect.jitter', 'a number', () => jitter(delayMs, random)) ?? delayMs,
        }
      : reconnect
  let endsAt: number | null = null

  return {
    get endsAt() {
      return endsAt
    },
    begin(afterMs) {
      const { state } = core
      const { fallback } = core.parts
      const { attempt, maxAttempts, phase } = state
      const delayMs =
        phase === 'polling' && fallback
          ? probeDelay(fallback.probeIntervalMs, random, afterMs)
          : retryDelay(backoff, state, random, afterMs)
      const at = now() + delayMs
      endsAt = at
      timers.set(TIMER, delayMs, () => core.dispatch('waited'))
      if (phase === 'polling') return
      deps.log('info', `Scheduling reconnect in ${delayMs}ms (attempt ${attempt}/${maxAttempts})`)
      deps.loop.notify(() => deps.onRetry({ attempt, maxAttempts, delayMs, at }))
    },
    end() {
      endsAt = null
      timers.clear(TIMER)
    },
  }
}
