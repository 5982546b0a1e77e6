/** Reasons to look at the connection now, instead of at the next timer. */
import { type Environment, noPage } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'

export interface WakeHooks {
  readonly environment: Environment
  readonly timers: Timers
  /** Something says that the world may have changed. */
  woken(): void
  /** The machine says that it is offline. */
  wentOffline(): void
  /** It says that it is online again; `woken` follows. */
  wentOnline(): void
  /** The client takes the machine to be offline. */
  isOffline(): boolean
  /** The page goes into the back/forward cache. */
  suspended(): void
  /** Nobody looks any more. */
  hidden(): void
  /** The page's Content Security Policy has blocked something. */
  blocked(url: string): void
}

export interface Wake {
  /** There is a page, and it is neither hidden nor about to be left. */
  isSeen(): boolean
  start(): void
  stop(): void
}

/** How often the clock is compared with itself, and how far it may be off. */
const WATCH_MS = 10_000

export const createWake = (hooks: WakeHooks): Wake => {
  const { environment, timers, woken } = hooks
  const { page, now } = environment
  let stops: (() => void)[] = []
  let left = false

  const watch = (): void => {
    const latest = now() + 2 * WATCH_MS
    timers.set('clock watch', WATCH_MS, () => {
      watch()
      // In a worker of Chromium `onLine` has been seen to change without an event.
      if (now() > latest || (hooks.isOffline() && page.online())) woken()
    })
  }

  const listeners: Record<
    string,
    (event: PageTransitionEvent & SecurityPolicyViolationEvent) => void
  > = {
    online() {
      hooks.wentOnline()
      woken()
    },
    offline: hooks.wentOffline,
    resume: woken,
    pageshow({ persisted }) {
      left = false
      if (persisted) woken()
    },
    pagehide({ persisted }) {
      left = true
      if (persisted) hooks.suspended()
    },
    // Chromium blocks a WebSocket with an `error` like any other, and without `close`; others throw.
    securitypolicyviolation: ({ blockedURI, disposition }) =>
      disposition === 'enforce' && hooks.blocked(blockedURI),
    visibilitychange: () => (page.hidden() ? hooks.hidden() : woken()),
  }

  return {
    isSeen: () => page !== noPage && !left && !page.hidden(),
    start() {
      if (stops.length) return
      left = false
      stops = Object.entries(listeners).map(([event, listener]) =>
        page.on(event, listener as never),
      )
      watch()
    },
    stop() {
      for (const stop of stops) stop()
      stops = []
      timers.clear('clock watch')
    },
  }
}
