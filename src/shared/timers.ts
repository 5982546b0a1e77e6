/** Named timers of one owner: setting one replaces it, and after `end()` there are none. */
import type { Environment } from './runtime.ts'

export interface Timers {
  set(name: string, delayMs: number, run: () => void): void
  clear(name: string): void
  has(name: string): boolean
  /** Clears all of them; what is set from now on never runs. */
  end(): void
}

/** A delay beyond 2^31 - 1 ms would fire at once in every runtime. */
const LONGEST_MS = 2_147_483_647

export const createTimers = (environment: Environment): Timers => {
  const handles = new Map<string, unknown>()
  let ended = false
  const clear = (name: string): void => {
    if (handles.has(name)) environment.clearTimeout(handles.get(name))
    handles.delete(name)
  }
  return {
    set(name, delayMs, run) {
      clear(name)
      if (ended) return
      const handle = environment.setTimeout(
        () => {
          handles.delete(name)
          run()
        },
        Math.min(Math.max(delayMs, 0), LONGEST_MS),
      )
      handles.set(name, handle)
    },
    clear,
    has: name => handles.has(name),
    end() {
      ended = true
      for (const name of [...handles.keys()]) clear(name)
    },
  }
}
