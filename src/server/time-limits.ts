/** How long an application's function may take: one that never ends must not hold up its client for ever. */
import { createServerTimers, type ServerEnvironment } from './environment.ts'

/** An application's function took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError'
}

export interface TimeLimits {
  /**
   * The outcome of `work`; rejects with a `TimeLimitError` that names it if there is none after `ms`. What it does
   * later is its own affair: `isOver` tells it that nobody waits any more.
   */
  within<Result>(
    ms: number,
    name: string,
    work: (isOver: () => boolean) => Promise<Result>,
  ): Promise<Result>
  /** Nothing is waited for any more, and no timer is left. */
  end(): void
}

export const createTimeLimits = (environment: ServerEnvironment): TimeLimits => {
  const timers = createServerTimers(environment)
  let count = 0
  return {
    async within(ms, name, work) {
      const timer = `${++count}`
      let over = false
      try {
        return await new Promise((resolve, reject) => {
          timers.set(timer, ms, () =>
            reject(new TimeLimitError(`${name}: expected an answer within ${ms} ms, got none`)),
          )
          work(() => over).then(resolve, reject)
        })
      } finally {
        over = true
        timers.clear(timer)
      }
    },
    end: timers.clearAll,
  }
}
