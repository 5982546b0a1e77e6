/** The part of the runtime that the server uses: clock, timers and chance. */

export interface ServerEnvironment {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds from any start; never goes back. */
  monotonicNow(): number
  /** Evenly distributed from 0 to 1. */
  random(): number
  setTimeout(run: () => void, delayMs: number): unknown
  clearTimeout(handle: unknown): void
}

export const nodeEnvironment: ServerEnvironment = {
  now: () => Date.now(),
  monotonicNow: () => performance.now(),
  random: () => Math.random(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: handle => clearTimeout(handle as NodeJS.Timeout),
}

/** Named timers of one owner, which clears them all at its end. A delay may be longer than Node's own 24.8 days. */
export interface ServerTimers {
  set(name: string, delayMs: number, run: () => void): void
  has(name: string): boolean
  clear(name: string): void
  clearAll(): void
}

/** Node fires a timer with a longer delay at once. */
const MAX_DELAY_MS = 2_147_483_647

export const createServerTimers = (environment: ServerEnvironment): ServerTimers => {
  const handles = new Map<string, unknown>()
  const clear = (name: string): void => {
    if (handles.has(name)) environment.clearTimeout(handles.get(name))
    handles.delete(name)
  }
  return {
    set(name, delayMs, run) {
      clear(name)
      const arm = (leftMs: number): void => {
        const fire = (): void => {
          if (leftMs > MAX_DELAY_MS) return arm(leftMs - MAX_DELAY_MS)
          handles.delete(name)
          run()
        }
        handles.set(name, environment.setTimeout(fire, Math.min(leftMs, MAX_DELAY_MS)))
      }
      arm(Math.max(delayMs, 0))
    },
    has: name => handles.has(name),
    clear,
    clearAll() {
      for (const name of [...handles.keys()]) clear(name)
    },
  }
}
