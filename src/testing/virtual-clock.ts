/** A clock that stands still until a test moves it. */

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** A clock, in the hands of the test. */
export interface VirtualClock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds since the clock was made. */
  monotonicNow(): number
  /** Arms a timer; returns its handle. */
  setTimeout(run: () => void, delayMs: number): unknown
  /** Disarms a timer; an unknown handle is ignored. */
  clearTimeout(handle: unknown): void
  /** Lets time pass: every timer that is due runs, in its order, and promises settle between them. */
  advance(ms: number): Promise<void>
  /** Lets promises settle, without time passing. */
  settle(): Promise<void>
  /** The machine sleeps: time passes and no timer runs until the next `advance`. */
  sleep(ms: number): void
  /** The user sets the wall clock; timers and the monotonic clock do not notice. */
  jump(ms: number): void
  /** Timers that are armed. */
  pending(): number
}

/** Starts at the given time, ms since the epoch. */
export const createVirtualClock = (start = 1_700_000_000_000): VirtualClock => {
  const planned = new Set<Planned>()
  let elapsed = 0
  let wall = start
  let order = 0

  // A turn of the real event loop, not a count of microtasks: reading a Response takes several.
  const turn = (): Promise<void> =>
    new Promise(resolve => {
      if (globalThis.setImmediate) globalThis.setImmediate(resolve)
      else globalThis.setTimeout(resolve, 0)
    })

  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 3; turns++) await turn()
  }

  const nextDue = (until: number): Planned | undefined =>
    [...planned]
      .filter(timer => timer.at <= until)
      .sort((a, b) => a.at - b.at || a.order - b.order)[0]

  return {
    now: () => wall + elapsed,
    monotonicNow: () => elapsed,
    setTimeout(run, delayMs) {
      const timer = { at: elapsed + Math.max(0, delayMs), order: order++, run }
      planned.add(timer)
      return timer
    },
    clearTimeout: handle => void planned.delete(handle as Planned),
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let timer = nextDue(until); timer; timer = nextDue(until)) {
        elapsed = Math.max(elapsed, timer.at)
        planned.delete(timer)
        timer.run()
        await settle()
      }
      elapsed = Math.max(elapsed, until)
    },
    settle,
    sleep(ms) {
      elapsed += ms
    },
    jump(ms) {
      wall += ms
    },
    pending: () => planned.size,
  }
}
