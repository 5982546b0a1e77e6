/** How long an application's function may take: one that never ends must not hold up its client for ever. */
import { createServerTimers, type ServerEnvironment } from './environment.ts'

/** An application's function took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError'
}

export interface TimeLimits {
  /**
   * The outcome of `work`; rejects with a `TimeLimitError` that contains `name` if there is none after `ms`. The work goes
   * on all the same: its `isOver` then gives `true`, since its result is not used any more.
   */
  within<Result>(
    ms: number,
    name: string,
    work: (isOver: () => boolean) => Promise<Result>,
  ): Promise<Result>
  /** Clears all timers; work that is under way has no limit any more. */
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
    end: () => timers.clearAll(),
  }
}
