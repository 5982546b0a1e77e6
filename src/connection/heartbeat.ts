/**
 * Silence -> ping -> verdict. Deadlines are compared with clocks, never counted by
 * timers: a timer that fires late (slept machine, frozen tab, blocked event loop) is no verdict.
 */
import { TIMED_OUT } from '../protocol/close-codes.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { LinkUser, LiveLink } from './link-user.ts'
import { heartbeatLossDelay } from './retry-delay.ts'
import type { RoundTrips } from './round-trips.ts'

export interface HeartbeatDeps {
  readonly environment: Environment
  readonly timers: Timers
  /** From the options, in ms; a server that announces its own wins. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** How it asks. Where that cannot be asked with, silence proves nothing. */
  readonly roundTrips: RoundTrips
  /** A link that was suspected to be dead has spoken: writing may go on. */
  onTrusted(): void
}

export interface Heartbeat extends LinkUser {
  /** The server's own rhythm counts, in ms. */
  retune(intervalMs?: number, timeoutMs?: number): void
  /** A frame came, by the wall clock `at` this time: any frame is a sign of life. */
  onFrame(at: number): void
  /** Asks now and gives the link `withinMs`, at most its usual timeout. */
  probe(withinMs: number): void
  /** False if a deadline has passed unnoticed: then nothing may be written until the link has spoken. */
  isTrustworthy(): boolean
}

/** Signs of life closer together than this, and than a hundredth of the interval, are one. */
const MIN_ACTIVITY_GAP_MS = 50

/**
 * Time that passed by either clock. A wall clock may jump, also back, and a monotonic one may stand still while the
 * machine sleeps: the larger step of the two only ever makes the heartbeat ask once too often.
 */
const createSleepClock = ({
  now,
  monotonicNow,
}: Environment): { read(): number; readonly wall: number } => {
  let elapsed = 0
  let wall = now()
  let monotonic = monotonicNow()
  return {
    read() {
      const wallBefore = wall
      const monotonicBefore = monotonic
      wall = now()
      monotonic = monotonicNow()
      elapsed += Math.max(wall - wallBefore, monotonic - monotonicBefore, 0)
      return elapsed
    },
    get wall() {
      return wall
    },
  }
}

export const createHeartbeat = (deps: HeartbeatDeps): Heartbeat => {
  const { environment, timers, roundTrips } = deps
  const clock = createSleepClock(environment)
  let { intervalMs: interval, timeoutMs: timeout } = deps
  let link: LiveLink | undefined
  /** By the sleep clock, and by the wall clock. */
  let activeAt = 0
  let activeAtWall = 0
  /** When the timer should fire, by the sleep clock. */
  let due = 0
  let pinged = false
  let suspect = false
  let late = false

  const arm = (afterMs: number): void => {
    due = clock.read() + afterMs
    timers.set('heartbeat', afterMs, tick)
  }

  const ping = (withinMs: number): void => {
    pinged = true
    arm(withinMs)
    roundTrips.ask(link)
  }

  const tick = (): void => {
    const silence = clock.read() - activeAt
    if (!pinged) {
      if (silence < interval) arm(interval - silence)
      else ping(timeout)
    } else if (
      clock.read() - due > Math.min(1000, timeout / 2) &&
      // Late once more in a hidden tab means throttled timers, not sleep. Frames are not throttled,
      // so there silence counts; otherwise a dead link in a hidden tab would never be noticed.
      !(late && environment.page.hidden())
    ) {
      late = true
      ping(timeout)
    } else {
      link?.fail('Heartbeat timeout', {
        closeCode: TIMED_OUT,
        afterMs: heartbeatLossDelay(environment.random),
      })
    }
  }

  return {
    linkOpened(opened) {
      if (!roundTrips.canAsk) return
      link = opened
      interval = deps.intervalMs
      timeout = deps.timeoutMs
      pinged = suspect = late = false
      activeAt = clock.read()
      arm(interval)
    },
    linkClosed() {
      link = undefined
      timers.clear('heartbeat')
    },
    retune(intervalMs = interval, timeoutMs = timeout) {
      interval = intervalMs
      timeout = timeoutMs
      if (link && !pinged) arm(interval - (clock.read() - activeAt))
    },
    onFrame(at) {
      // A frame right behind another is no news, and clocks are what a frame costs most here.
      const since = at - activeAtWall
      if (!pinged && since >= 0 && since < Math.min(interval / 100, MIN_ACTIVITY_GAP_MS)) return
      activeAt = clock.read()
      activeAtWall = clock.wall
      if (!pinged || !link) return
      pinged = late = false
      arm(interval)
      if (suspect) {
        suspect = false
        deps.onTrusted()
      }
    },
    probe(withinMs) {
      if (link && !pinged) ping(Math.min(withinMs, timeout))
      else if (link && !late && due - clock.read() > withinMs) arm(withinMs)
    },
    isTrustworthy() {
      if (link && !suspect && clock.read() > (pinged ? due : activeAt + interval + timeout)) {
        suspect = true
        ping(timeout)
      }
      return !link || !suspect
    },
  }
}
