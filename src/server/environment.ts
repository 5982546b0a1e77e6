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

/** A class that allocates little: every connection has one. */
class NamedTimers implements ServerTimers {
  readonly #environment: ServerEnvironment
  #handles: Map<string, unknown> | undefined

  constructor(environment: ServerEnvironment) {
    this.#environment = environment
  }

  set(name: string, delayMs: number, run: () => void): void {
    this.clear(name)
    this.#arm(name, Math.max(delayMs, 0), run)
  }

  has(name: string): boolean {
    return this.#handles?.has(name) === true
  }

  clear(name: string): void {
    if (!this.has(name)) return
    this.#environment.clearTimeout(this.#handles?.get(name))
    this.#handles?.delete(name)
  }

  clearAll(): void {
    for (const name of [...(this.#handles?.keys() ?? [])]) this.clear(name)
  }

  #arm(name: string, leftMs: number, run: () => void): void {
    const fire = (): void => {
      if (leftMs > MAX_DELAY_MS) return this.#arm(name, leftMs - MAX_DELAY_MS, run)
      this.#handles?.delete(name)
      run()
    }
    this.#handles ??= new Map()
    this.#handles.set(name, this.#environment.setTimeout(fire, Math.min(leftMs, MAX_DELAY_MS)))
  }
}

export const createServerTimers = (environment: ServerEnvironment): ServerTimers =>
  new NamedTimers(environment)
