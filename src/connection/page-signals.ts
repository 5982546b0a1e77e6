/** Reasons to look at the connection now, instead of at the next timer. */
import { type Environment, noPage } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'

export interface PageSignalsDeps {
  readonly environment: Environment
  readonly timers: Timers
  /** True while the client takes the machine to be offline. */
  isOffline(): boolean
  /** The world may have changed: another network, a machine that woke up, a tab that is seen again. */
  onWoken(): void
  /** The machine says that it is offline. */
  onOffline(): void
  /** The machine says that it is online again; `onWoken` follows. */
  onOnline(): void
  /** The page goes into the back/forward cache. */
  onSuspended(): void
  /** Nobody sees the page any more. */
  onHidden(): void
  /** The page's Content Security Policy has blocked this URL. */
  onBlocked(url: string): void
}

export interface PageSignals {
  /** There is a page, and it is neither hidden nor about to be left. */
  isSeen(): boolean
  start(): void
  stop(): void
}

/** How often the clock is compared with itself, and how far it may be off. */
const WATCH_MS = 10_000
const TIMER = 'clock watch'

export const createPageSignals = (deps: PageSignalsDeps): PageSignals => {
  const { environment, timers, onWoken } = deps
  const { page, now } = environment
  let stops: (() => void)[] = []
  let left = false

  const watch = (): void => {
    const latest = now() + 2 * WATCH_MS
    timers.set(TIMER, WATCH_MS, () => {
      watch()
      // In a worker of Chromium `onLine` has been seen to change without an event.
      if (now() > latest || (deps.isOffline() && page.online())) onWoken()
    })
  }

  const listeners: Record<
    string,
    (event: PageTransitionEvent & SecurityPolicyViolationEvent) => void
  > = {
    online() {
      deps.onOnline()
      onWoken()
    },
    offline: deps.onOffline,
    resume: onWoken,
    pageshow({ persisted }) {
      left = false
      if (persisted) onWoken()
    },
    pagehide({ persisted }) {
      left = true
      if (persisted) deps.onSuspended()
    },
    // Chromium blocks a WebSocket with an `error` like any other, and without `close`; others throw.
    securitypolicyviolation: ({ blockedURI, disposition }) =>
      disposition === 'enforce' && deps.onBlocked(blockedURI),
    visibilitychange: () => (page.hidden() ? deps.onHidden() : onWoken()),
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
      timers.clear(TIMER)
    },
  }
}
