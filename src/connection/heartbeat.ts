/**
 * Silence -> ping -> verdict. Deadlines are compared with clocks, never counted by timers:
 * a timer that fires late (slept machine, frozen tab, blocked event loop) is no verdict.
 */
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'

export interface HeartbeatHooks {
  readonly environment: Environment
  readonly timers: Timers
  /** Asks for a sign of life. */
  ping(): void
  /** The link is dead. */
  dead(): void
  /** After a suspicion, a sign of life came. */
  trusted(): void
}

export interface Heartbeat {
  /** A link opened: begin to listen to it. */
  start(intervalMs: number, timeoutMs: number): void
  stop(): void
  /** The server's own rhythm counts. */
  retune(intervalMs?: number, timeoutMs?: number): void
  /** A frame came, by the wall clock `at` this time: any frame is a sign of life. */
  heard(at: number): void
  /** Asks now and gives the link `withinMs`, at most its usual timeout. */
  probe(withinMs: number): void
  /** False if a deadline has passed unnoticed: then nothing may be written until the link has spoken. */
  trustworthy(): boolean
}

/** Signs of life closer together than this, and than a hundredth of the interval, are one. */
const NO_NEWS_MS = 50

export const createHeartbeat = (hooks: HeartbeatHooks): Heartbeat => {
  const { environment, timers } = hooks
  let interval = 0
  let timeout = 0
  let running = false
  let lastHeard = 0
  /** The same by the wall clock. */
  let heardAt = 0
  /** When the timer should fire, by our clock. */
  let due = 0
  let pinged = false
  let suspect = false
  let late = false

  let elapsed = 0
  let wall = environment.now()
  let monotonic = environment.monotonicNow()
  // A wall clock may jump, also back, and a monotonic one may stand still while the machine sleeps: the
  // larger step of the two only ever makes us ask once too often.
  const clock = (): number => {
    const wallBefore = wall
    const monotonicBefore = monotonic
    wall = environment.now()
    monotonic = environment.monotonicNow()
    elapsed += Math.max(wall - wallBefore, monotonic - monotonicBefore, 0)
    return elapsed
  }

  const arm = (afterMs: number): void => {
    due = clock() + afterMs
    timers.set('heartbeat', afterMs, tick)
  }

  const ask = (withinMs: number): void => {
    pinged = true
    arm(withinMs)
    hooks.ping()
  }

  const tick = (): void => {
    const silence = clock() - lastHeard
    if (!pinged) {
      if (silence < interval) arm(interval - silence)
      else ask(timeout)
    } else if (
      clock() - due > Math.min(1000, timeout / 2) &&
      // Late once more in a hidden tab means throttled timers, not sleep. Frames are not throttled,
      // so there silence counts; otherwise a dead link in a hidden tab would never be noticed.
      !(late && environment.page.hidden())
    ) {
      late = true
      ask(timeout)
    } else hooks.dead()
  }

  return {
    start(intervalMs, timeoutMs) {
      interval = intervalMs
      timeout = timeoutMs
      running = true
      pinged = suspect = late = false
      lastHeard = clock()
      arm(interval)
    },
    stop() {
      running = false
      timers.clear('heartbeat')
    },
    retune(intervalMs = interval, timeoutMs = timeout) {
      interval = intervalMs
      timeout = timeoutMs
      if (running && !pinged) arm(interval - (clock() - lastHeard))
    },
    heard(at) {
      // What follows at once is no news, and clocks are what a frame costs most here.
      const since = at - heardAt
      if (!pinged && since >= 0 && since < Math.min(interval / 100, NO_NEWS_MS)) return
      lastHeard = clock()
      heardAt = wall
      if (!pinged || !running) return
      pinged = late = false
      arm(interval)
      if (suspect) {
        suspect = false
        hooks.trusted()
      }
    },
    probe(withinMs) {
      if (running && !pinged) ask(Math.min(withinMs, timeout))
      else if (running && !late && due - clock() > withinMs) arm(withinMs)
    },
    trustworthy() {
      if (running && !suspect && clock() > (pinged ? due : lastHeard + interval + timeout)) {
        suspect = true
        ask(timeout)
      }
      return !running || !suspect
    },
  }
}
