/** What goes wrong in a run, and how often. */
import type { ResilientWebSocket } from '../../src/index.ts'
import type { Application } from './application.ts'
import type { Chance } from './chance.ts'
import type { FarServer } from './far.ts'
import type { Network } from './network.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'

export interface FaultHooks {
  readonly socket: ResilientWebSocket
  readonly application: Application
  readonly chance: Chance
  readonly far: FarServer
  readonly network: Network
  readonly page: Page
  readonly plan: Plan
  /** The histories of all channels are others. */
  forgot(): void
  /** In so many ms of the run. */
  after(delayMs: number, run: () => void): void
  later(low: number, high: number, run: () => void): void
  tell(words: string): void
}

/** Lets one fault after the other happen. */
export const createFaults = (hooks: FaultHooks): (() => void) => {
  const { socket, application, chance, far, network, page, plan, after, later, tell } = hooks
  const { weather } = network
  const { unlessFrozen } = page

  const cut = (): void => {
    for (const link of network.live()) link.cut()
  }

  const FAULTS: Record<string, () => void> = {
    cut,
    holeUp: () => network.live().map(link => link.hole('up')),
    holeDown: () => network.live().map(link => link.hole('down')),
    hole() {
      for (const link of network.live()) {
        link.hole('up')
        link.hole('down')
      }
    },
    flap() {
      for (let delay = 0; delay < 1500; delay += chance.whole(100, 500)) after(delay, cut)
    },
    block() {
      weather.blocked = true
      cut()
      later(1500, 5000, () => {
        weather.blocked = false
      })
    },
    hang() {
      weather.hangs = true
      cut()
      later(1000, 4000, () => {
        weather.hangs = false
      })
    },
    delay() {
      weather.latency = chance.pick([
        [1, 5],
        [1, 300],
        [100, 200],
        [1, 900],
      ])
    },
    http() {
      weather.lostRequests = chance.pick([0, 0.3])
      weather.lostAnswers = chance.pick([0, 0.3])
      weather.lateRequests = chance.pick([0, 0.3])
      weather.lateAnswers = plan.has('late answers') ? chance.pick([0, 0.3]) : 0
      weather.refusals = plan.has('http refusals') ? chance.pick([0, 0.3]) : 0
    },
    crash() {
      const silent = chance.maybe(0.2)
      for (const link of network.live()) link.vanish(silent)
      far.crash()
      const keep = !plan.has('forgets') || chance.maybe(0.5)
      tell(`the server crashes${keep ? '' : ' and forgets'}`)
      later(50, 3000, () => {
        if (far.isUp()) return
        far.start(keep)
        if (!keep) hooks.forgot()
      })
    },
    drain: () => far.drain(),
    closeAll: () => far.closeAll(chance.pick([1001, 1012, 1013])),
    mislay: () => far.mislay(chance.whole(1, 3)),
    store: () => far.failStore(chance.whole(1, 3)),
    renew() {
      far.renew()
      hooks.forgot()
    },
    serverJump: () => far.jump(chance.whole(-60_000, 60_000)),
    forbid() {
      far.forbid(chance.pick(plan.channels))
      later(500, 3000, () => {
        far.forbid(undefined)
        // Who was refused a channel asks again when that may have changed.
        unlessFrozen(() => socket.reconnect())
      })
    },
    clog() {
      weather.clogged = true
      later(50, 3000, () => {
        weather.clogged = false
      })
    },
    freeze: page.freeze,
    jump: () => page.jump(chance.whole(-60_000, 60_000)),
    hide: () => page.hide(!page.isHidden()),
    cache() {
      unlessFrozen(() => page.tell('pagehide', { persisted: true }))
      later(200, 2000, () => unlessFrozen(() => page.tell('pageshow', { persisted: true })))
    },
    offline: () => page.online(!page.isOnline()),
    disconnect() {
      unlessFrozen(() => socket.disconnect())
      later(50, 1500, () => unlessFrozen(() => socket.connect()))
    },
    reconnect: () => unlessFrozen(() => socket.reconnect()),
    resubscribe() {
      const channel = chance.pick(plan.channels)
      unlessFrozen(() => application.toggle(channel))
    },
    remount: () => application.remount(chance.pick(plan.channels)),
    burst() {
      for (let left = chance.whole(10, 60); left; left--) unlessFrozen(application.send)
    },
    token() {
      const fresh = (): void => socket.setToken(far.token(application.user()))
      if (plan.has('tokens')) unlessFrozen(fresh)
    },
    switchUser() {
      if (plan.has('other users')) unlessFrozen(application.switchUser)
    },
  }
  const WEIGHTS: readonly (readonly [string, number])[] = [
    ['cut', 5],
    ['holeUp', 1],
    ['holeDown', 1],
    ['hole', 1],
    ['flap', 2],
    ['block', 3],
    ['hang', 1],
    ['delay', 2],
    ['http', 2],
    ['crash', 3],
    ['drain', 1],
    ['closeAll', 1],
    ['mislay', 1],
    ['freeze', 1],
    ['jump', 1],
    ['hide', 1],
    ['cache', 1],
    ['offline', 1],
    ['disconnect', 1],
    ['reconnect', 1],
    ['resubscribe', plan.has('low rate') ? 5 : 1],
    ['remount', 1],
    ['burst', 2],
    ['token', 1],
    ['switchUser', plan.has('other users') ? 2 : 0],
    ['store', plan.has('store failures') ? 3 : 0],
    ['renew', plan.has('other histories') ? 2 : 0],
    ['serverJump', plan.has('server clock') ? 2 : 0],
    ['forbid', plan.has('forbidden channels') ? 2 : 0],
    ['clog', plan.has('full buffers') ? 2 : 0],
  ]
  const bag = WEIGHTS.flatMap(([name, weight]) => Array<string>(weight).fill(name))

  return () => {
    const fault = chance.pick(bag)
    tell(`-- ${fault}`)
    FAULTS[fault]?.()
  }
}
