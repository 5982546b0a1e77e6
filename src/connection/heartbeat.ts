/**
 * Silence -> ping -> verdict, and the round trips of the pings. Deadlines are compared with clocks, never counted by
 * timers: a timer that fires late (slept machine, frozen tab, blocked event loop) is no verdict.
 */
import { TIMED_OUT } from '../protocol/close-codes.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { Frame } from '../transport/transport.ts'
import type { LinkUser, LiveLink } from './link-user.ts'
import { heartbeatLossDelay } from './retry-delay.ts'

export interface HeartbeatDeps {
  readonly environment: Environment
  readonly timers: Timers
  /** From the options, in ms; a server that announces its own wins. */
  readonly intervalMs: number
  readonly timeoutMs: number
  /** A name for the next ping. */
  newId(): string
  /** A round trip was measured, in ms. */
  onLatency(latencyMs: number): void
  /** A link that was suspected to be dead has spoken: writing may go on. */
  onTrusted(): void
}

export interface Heartbeat extends LinkUser {
  /** The last round trip, in ms. */
  readonly latencyMs: number | null
  /** How to ask for a sign of life. Until then, and without it, silence proves nothing and nothing is asked. */
  askWith(pingFrame: ((id: string) => Frame) | undefined): void
  /** The server's own rhythm counts, in ms. */
  retune(intervalMs?: number, timeoutMs?: number): void
  /** A frame came, by the wall clock `at` this time: any frame is a sign of life. */
  onFrame(at: number): void
  /** The server answered the ping of this name; `undefined`: it did not say which. */
  onPong(id: string | undefined): void
  /** Asks now and gives the link `withinMs`, at most its usual timeout. */
  probe(withinMs: number): void
  /** False if a deadline has passed unnoticed: then nothing may be written until the link has spoken. */
  isTrustworthy(): boolean
  /** Another user: the answer to an older ping counts for nothing. */
  reset(): void
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
  const { environment, timers } = deps
  const clock = createSleepClock(environment)
  let { intervalMs: interval, timeoutMs: timeout } = deps
  let pingFrame: ((id: string) => Frame) | undefined
  let link: LiveLink | undefined
  /** By the sleep clock, and by the wall clock. */
  let activeAt = 0
  let activeAtWall = 0
  /** When the timer should fire, by the sleep clock. */
  let due = 0
  let pinged = false
  let suspect = false
  let late = false
  let pingId: string | undefined
  let pingedAt = 0
  let latencyMs: number | null = null

  const arm = (afterMs: number): void => {
    due = clock.read() + afterMs
    timers.set('heartbeat', afterMs, tick)
  }

  const ping = (withinMs: number): void => {
    pinged = true
    arm(withinMs)
    pingId = deps.newId()
    pingedAt = environment.monotonicNow()
    try {
      if (pingFrame) link?.send(pingFrame(pingId))
    } catch {
      // A link that refuses is about to end anyway.
    }
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
    get latencyMs() {
      return latencyMs
    },
    askWith(given) {
      pingFrame = given
    },
    linkOpened(opened) {
      if (!pingFrame) return
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
    onPong(id) {
      if (!pingId || (id && id !== pingId)) return
      pingId = undefined
      latencyMs = environment.monotonicNow() - pingedAt
      deps.onLatency(latencyMs)
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
    reset() {
      pingId = undefined
    },
  }
}
