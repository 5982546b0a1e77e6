/** Reasons to look at the connection now, instead of at the next timer. */
import type { CoreSettings } from '../options/settings.ts'
import { isLoopback } from '../shared/address.ts'
import { type Environment, locationOf, noPage } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { LinkSlot } from './link-slot.ts'

export interface PageSignalsDeps {
  readonly settings: Pick<CoreSettings, 'url'>
  readonly environment: Environment
  readonly timers: Timers
  readonly core: ConnectionCore
  readonly slot: LinkSlot
}

export interface PageSignals {
  /** There is a page, and it is neither hidden nor about to be left. */
  isSeen(): boolean
  /** The runtime says that there is no network, and the server needs one. */
  isOffline(): boolean
  /** `onBlocked`: the page's Content Security Policy has blocked this URL. */
  start(onBlocked: (url: string) => void): void
  stop(): void
}

/** How often the clock is compared with itself, and how far it may be off. */
const WATCH_MS = 10_000
const TIMER = 'clock watch'

export const createPageSignals = (deps: PageSignalsDeps): PageSignals => {
  const { settings, environment, timers, core, slot } = deps
  const { page, now } = environment
  let stops: (() => void)[] = []
  let left = false
  let blocked: ((url: string) => void) | undefined

  /** The server is on this machine, as far as is known: it needs no network. */
  const isLocal = (): boolean => {
    const { url } = settings
    const known = core.dialedUrl || (typeof url === 'function' ? '' : `${url}`)
    return isLoopback(known, locationOf(environment)?.href)
  }

  /** The world may have changed: another network, a machine that woke up, a tab that is seen again. */
  const onWoken = (): void => core.dispatch('woken')

  const watch = (): void => {
    const latest = now() + 2 * WATCH_MS
    timers.set(TIMER, WATCH_MS, () => {
      watch()
      // In a worker of Chromium `onLine` has been seen to change without an event.
      if (now() > latest || (!core.state.online && page.online())) onWoken()
    })
  }

  const listeners: Record<
    string,
    (event: PageTransitionEvent & SecurityPolicyViolationEvent) => void
  > = {
    online() {
      core.dispatch('wentOnline')
      onWoken()
    },
    offline() {
      // A second one would begin the wait anew, and perhaps never end it.
      if (core.state.online && !isLocal()) core.dispatch('wentOffline')
    },
    resume: onWoken,
    pageshow({ persisted }) {
      left = false
      if (persisted) onWoken()
    },
    pagehide({ persisted }) {
      left = true
      if (persisted && slot.isTaken) core.dispatch('lost', 'Page hidden')
    },
    // Chromium blocks a WebSocket with an `error` like any other, and without `close`; others throw.
    securitypolicyviolation: ({ blockedURI, disposition }) =>
      disposition === 'enforce' && blocked?.(blockedURI),
    visibilitychange: () => (page.hidden() ? core.parts.onLeave() : onWoken()),
  }

  return {
    isSeen: () => page !== noPage && !left && !page.hidden(),
    isOffline: () => !page.online() && !isLocal(),
    start(onBlocked) {
      if (stops.length) return
      blocked = onBlocked
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
