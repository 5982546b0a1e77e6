/** The machine and the page that the client runs in: clocks that jump or stand still, freezing, events. */
import type { Environment } from '../../src/shared/runtime.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Network } from './network.ts'

export interface Page {
  readonly environment: Environment
  /** By the monotonic clock of this machine. */
  monotonicNow(): number
  /** Runs it, or once the page is not frozen any more. */
  unlessFrozen(run: () => void): void
  freeze(): void
  thaw(): void
  jump(ms: number): void
  /** The page is seen or not; the machine is online or not; both tell. */
  hide(hidden: boolean): void
  online(online: boolean): void
  isHidden(): boolean
  isOnline(): boolean
  tell(event: string, payload?: object): void
  /** Timers that are set, and listeners of page events. */
  timers(): number
  listeners(): number
}

const START = 1_700_000_000_000

export const createPage = (clock: Clock, chance: Chance, network: Network): Page => {
  let frozen = false
  let wallOffset = 0
  let slept = 0
  let hidden = false
  let isOnline = true
  let timers = 0
  const held: (() => void)[] = []
  const listeners = new Map<string, Set<(event: unknown) => void>>()

  const unlessFrozen = (run: () => void): void => {
    if (frozen || held.length) held.push(run)
    else run()
  }
  network.toClient = unlessFrozen

  const tell = (event: string, payload: object = {}): void => {
    for (const listener of [...(listeners.get(event) ?? [])]) listener(payload)
  }

  const thaw = (): void => {
    frozen = false
    // One after the other, as an event loop does, and before what is new; what thaws may freeze again.
    const next = (): void => {
      if (frozen) return
      held.shift()?.()
      if (held.length) clock.after(0, next)
    }
    clock.after(0, next)
  }

  const monotonicNow = (): number => clock.now() - slept

  return {
    environment: {
      WebSocket: network.WebSocket,
      fetch: network.fetch,
      now: () => START + clock.now() + wallOffset,
      monotonicNow,
      random: chance.next,
      setTimeout(run, delayMs) {
        timers++
        const timer = { live: true, handle: undefined as unknown }
        const fire = (): void => {
          if (!timer.live) return
          timer.live = false
          timers--
          run()
        }
        timer.handle = clock.after(delayMs, () => unlessFrozen(fire))
        return timer
      },
      clearTimeout(handle) {
        const timer = handle as { live: boolean; handle: unknown } | undefined
        if (!timer?.live) return
        timer.live = false
        timers--
        clock.cancel(timer.handle)
      },
      page: {
        on(event, listener) {
          const known = listeners.get(event) ?? new Set()
          listeners.set(event, known.add(listener))
          return () => void known.delete(listener)
        },
        hidden: () => hidden,
        online: () => isOnline,
      },
    },
    monotonicNow,
    unlessFrozen,
    freeze() {
      if (frozen) return
      frozen = true
      const stands = chance.maybe(0.5)
      const duration = chance.whole(500, 6000)
      clock.after(duration, () => {
        // Some monotonic clocks stand still while a machine sleeps.
        if (stands) slept += duration
        thaw()
        tell('resume')
      })
    },
    thaw,
    jump(ms) {
      wallOffset += ms
    },
    hide(next) {
      hidden = next
      unlessFrozen(() => tell('visibilitychange'))
    },
    online(next) {
      isOnline = next
      unlessFrozen(() => tell(next ? 'online' : 'offline'))
    },
    isHidden: () => hidden,
    isOnline: () => isOnline,
    tell,
    timers: () => timers,
    listeners: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
  }
}
