/** One seeded run: the real client and the real server logic, a network that fails, and the ledger's verdict. */
import { createResilientWebSocket, envelope, type Subscription } from '../../src/index.ts'
import { createChance } from './chance.ts'
import { createClock } from './clock.ts'
import { createFarServer } from './far.ts'
import { createLedger } from './ledger.ts'
import { createNetwork } from './network.ts'

export interface Outcome {
  readonly seed: number
  readonly violations: readonly string[]
  readonly sent: number
  readonly applied: number
  readonly published: number
  readonly delivered: number
  readonly reconnects: number
  /** From the WebSocket to polling, and back. */
  readonly switches: number
  readonly gaps: number
  readonly unknown: number
}

const START = 1_700_000_000_000
const STORM_MS = 40_000
const CALM_MS = 240_000
const FEW = ['A', 'B', 'C']
/** More than fit into one `hello`. */
const MANY = Array.from({ length: 25 }, (_, index) => `channel ${index}`.replace(' ', '-'))

export const runSeed = async (seed: number, say?: (words: string) => void): Promise<Outcome> => {
  const chance = createChance(seed)
  const clock = createClock()
  const tell = (words: string): void => say?.(`${String(clock.now()).padStart(6)} ${words}`)

  // ---- what kind of run this is

  const forgets = chance.maybe(0.3)
  const shortHistory = chance.maybe(0.25)
  const shortSessions = chance.maybe(0.15)
  const fewRetries = chance.maybe(0.3)
  const smallQueue = chance.maybe(0.2)
  const expiring = chance.maybe(0.2)
  const refusing = chance.maybe(0.2)
  const withTokens = chance.maybe(0.4)
  const shortTokens = withTokens && chance.maybe(0.5)
  const switchesUser = withTokens && chance.maybe(0.3)
  const slowRate = chance.maybe(0.2)
  const demands = chance.maybe(0.5)
  const channels = chance.maybe(0.1) ? MANY : FEW
  const rejections = new Set<string>()
  if (smallQueue) rejections.add('overflow')
  if (expiring) rejections.add('expired')
  if (refusing) rejections.add('refused')
  if (switchesUser) rejections.add('identity')
  const gaps = new Set<string>()
  if (forgets) gaps.add('epoch')
  if (shortHistory) for (const reason of ['trimmed', 'ahead']) gaps.add(reason)
  const ledger = createLedger({
    gaps,
    unknown: forgets || shortSessions || fewRetries || switchesUser,
    rejections,
  })

  // ---- the world

  const far = createFarServer(clock, chance, ledger, {
    options: {
      heartbeat: { intervalMs: chance.whole(500, 3000), timeoutMs: chance.whole(300, 1500) },
      rateLimit: slowRate ? { limit: 8, perMs: 1000 } : { limit: 50, perMs: 1000 },
      sessionTtlMs: shortSessions ? 4000 : 600_000,
      maxPayload: chance.pick([2048, 65_536]),
    },
    historySize: shortHistory ? 10 : 100_000,
    historyTtlMs: 3_600_000,
    brokerMs: chance.maybe(0.3) ? 100 : 0,
    slowMs: chance.maybe(0.4) ? chance.pick([20, 400]) : 0,
    refuses: refusing ? 0.05 : 0,
    tokenMs: shortTokens ? 3000 : withTokens ? 600_000 : 0,
  })
  const network = createNetwork(clock, chance, far)
  const { weather } = network

  let frozen = false
  let wallOffset = 0
  let slept = 0
  const held: (() => void)[] = []
  const unlessFrozen = (run: () => void): void => {
    if (frozen || held.length) held.push(run)
    else run()
  }
  network.toClient = unlessFrozen
  const pageListeners = new Map<string, Set<(event: unknown) => void>>()
  let hidden = false
  let online = true
  let timers = 0
  const page = (event: string, payload: object = {}): void => {
    for (const listener of [...(pageListeners.get(event) ?? [])]) listener(payload)
  }

  // ---- the client

  let user = withTokens ? 'user1' : ''
  const socket = createResilientWebSocket({
    url: 'ws://server/ws',
    protocol: envelope({ version: demands ? 1 : 'auto' }),
    dedupe: false,
    heartbeat: { intervalMs: chance.whole(500, 4000), timeoutMs: chance.whole(300, 1500) },
    connectTimeoutMs: 1000,
    reconnect: {
      initialDelayMs: chance.whole(20, 200),
      maxDelayMs: 1000,
      maxAttempts: chance.whole(1, 4),
      stableAfterMs: chance.whole(0, 1000),
    },
    fallback: {
      url: 'http://server/api/market/snapshot',
      intervalMs: chance.whole(100, 1000),
      timeoutMs: chance.whole(500, 3000),
      probeIntervalMs: chance.whole(300, 2000),
    },
    queue: {
      limit: smallQueue ? 10 : 100_000,
      retries: fewRetries ? chance.whole(0, 3) : 100_000,
      ratePerSecond: chance.pick([20, 40, 200]),
      maxInFlight: chance.pick([2, 16, 256]),
    },
    ...(withTokens && { token: async () => far.token(user) }),
    environment: {
      WebSocket: network.WebSocket,
      fetch: network.fetch,
      now: () => START + clock.now() + wallOffset,
      monotonicNow: () => clock.now() - slept,
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
          const known = pageListeners.get(event) ?? new Set()
          pageListeners.set(event, known.add(listener))
          return () => void known.delete(listener)
        },
        hidden: () => hidden,
        online: () => online,
      },
    },
    logger: say
      ? {
          debug() {},
          info: (...words) => tell(`client: ${words.join(' ')}`),
          warn: (...words) => tell(`client: ${words.join(' ')}`),
          error: (...words) => tell(`client: ${words.join(' ')}`),
        }
      : undefined,
  } as Parameters<typeof createResilientWebSocket>[0])

  let reconnects = 0
  let switches = 0
  let gapCount = 0
  let unknown = 0
  socket.on('status', ({ from, to, reason }) => {
    if (to === 'OPEN' && from !== 'CONNECTING') reconnects++
    if ((to === 'OPEN' && from === 'FALLBACK') || to === 'FALLBACK') switches++
    tell(`${from} > ${to} ${reason ?? ''}`)
    if (to !== 'ERROR') return
    if (/401/.test(socket.error?.message ?? '') && shortTokens)
      later(50, 500, () => socket.connect())
    else ledger.violation(`ERROR: ${socket.error?.message}`)
  })
  socket.on('delivery', ({ id, state, reason }) => {
    tell(`settled ${id} ${state} ${reason ?? ''}`)
    if (state === 'unknown') unknown++
    ledger.settled(id)
  })
  socket.on('gap', ({ channel, reason }) => {
    gapCount++
    tell(`gap ${channel} ${reason}`)
    ledger.gap(channel, reason)
  })
  socket.on('message', message => {
    const { type, channel, data } = message as { type: string; channel?: string; data: unknown }
    if (type !== 'tick' || !channel) return
    const { number } = data as { number: number }
    tell(`${channel} ${number} delivered`)
    ledger.delivered(channel, number)
  })

  const subscriptions = new Map<string, Subscription<unknown>>()
  const subscribe = (channel: string): void => {
    ledger.begins(channel)
    const subscription = socket.subscribe(channel)
    subscriptions.set(channel, subscription)
    subscription.ready.then(
      () => subscriptions.get(channel) === subscription && ledger.confirmed(channel),
      () => {},
    )
  }
  const unsubscribe = (channel: string): void => {
    ledger.ends(channel)
    subscriptions.get(channel)?.unsubscribe()
    subscriptions.delete(channel)
  }
  for (const channel of channels) subscribe(channel)

  // ---- what its user does

  let number = 0
  let users = 1
  const send = (): void => {
    const urgent = chance.maybe(0.1)
    number++
    const delivery = socket.send(
      {
        type: 'order',
        id: `m${number}`,
        data: { number, filling: 'x'.repeat(chance.maybe(0.05) ? 500 : 5) },
      },
      { priority: urgent ? 'high' : 'normal', ...(expiring && { ttlMs: chance.whole(50, 3000) }) },
    )
    tell(`send ${number}`)
    ledger.sent(number, { delivery, user, urgent })
  }

  const switchUser = (): void => {
    user = `user${++users}`
    tell(`now ${user}`)
    for (const channel of subscriptions.keys()) ledger.begins(channel, false)
    socket.setIdentity(user)
  }
  if (withTokens) socket.setIdentity(user)

  // ---- what goes wrong

  const later = (low: number, high: number, run: () => void): void =>
    void clock.after(chance.whole(low, high), run)

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

  const FAULTS: Record<string, () => void> = {
    cut: () => network.live().map(link => link.cut()),
    holeUp: () => network.live().map(link => link.hole('up')),
    holeDown: () => network.live().map(link => link.hole('down')),
    hole() {
      for (const link of network.live()) {
        link.hole('up')
        link.hole('down')
      }
    },
    flap() {
      for (let delay = 0; delay < 1500; delay += chance.whole(100, 500)) {
        clock.after(delay, FAULTS['cut'] as () => void)
      }
    },
    block() {
      weather.blocked = true
      FAULTS['cut']?.()
      later(1500, 5000, () => {
        weather.blocked = false
      })
    },
    hang() {
      weather.hangs = true
      FAULTS['cut']?.()
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
    },
    crash() {
      const silent = chance.maybe(0.2)
      for (const link of network.live()) link.vanish(silent)
      far.crash()
      const keep = !forgets || chance.maybe(0.5)
      tell(`the server crashes${keep ? '' : ' and forgets'}`)
      later(50, 3000, () => {
        if (!far.isUp()) far.start(keep)
      })
    },
    drain: () => far.drain(),
    closeAll: () => far.closeAll(chance.pick([1001, 1012, 1013])),
    mislay: () => far.mislay(chance.whole(1, 3)),
    freeze() {
      if (frozen) return
      frozen = true
      const stands = chance.maybe(0.5)
      const duration = chance.whole(500, 6000)
      clock.after(duration, () => {
        // Some monotonic clocks stand still while a machine sleeps.
        if (stands) slept += duration
        thaw()
        page('resume')
      })
    },
    jump() {
      wallOffset += chance.whole(-60_000, 60_000)
    },
    hide() {
      hidden = !hidden
      unlessFrozen(() => page('visibilitychange'))
    },
    cache() {
      unlessFrozen(() => page('pagehide', { persisted: true }))
      later(200, 2000, () => unlessFrozen(() => page('pageshow', { persisted: true })))
    },
    offline() {
      online = !online
      unlessFrozen(() => page(online ? 'online' : 'offline'))
    },
    disconnect() {
      unlessFrozen(() => socket.disconnect())
      later(50, 1500, () => unlessFrozen(() => socket.connect()))
    },
    reconnect: () => unlessFrozen(() => socket.reconnect()),
    resubscribe() {
      const channel = chance.pick(channels)
      unlessFrozen(() => {
        if (subscriptions.has(channel)) unsubscribe(channel)
        else subscribe(channel)
      })
    },
    remount() {
      const channel = chance.pick(channels)
      const old = subscriptions.get(channel)
      if (!old) return
      // Within one turn: the server hears nothing of it, and the promise goes on.
      const next = socket.subscribe(channel)
      old.unsubscribe()
      subscriptions.set(channel, next)
      next.ready.then(
        () => subscriptions.get(channel) === next && ledger.confirmed(channel),
        () => {},
      )
    },
    burst() {
      for (let left = chance.whole(10, 60); left; left--) unlessFrozen(send)
    },
    token() {
      if (withTokens) unlessFrozen(() => socket.setToken(far.token(user)))
    },
    switchUser() {
      if (switchesUser) unlessFrozen(switchUser)
    },
  }
  const WEIGHTS: [string, number][] = [
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
    ['resubscribe', 1],
    ['remount', 1],
    ['burst', 2],
    ['token', 1],
    ['switchUser', 1],
  ]
  const bag = WEIGHTS.flatMap(([name, weight]) => Array<string>(weight).fill(name))

  let storm = false
  const every = (low: number, high: number, run: () => void): void => {
    later(low, high, () => {
      if (!storm) return
      run()
      every(low, high, run)
    })
  }
  // Who does not demand protocol v1 gets to know that the server speaks it.
  if (!demands) await clock.advance(1000)
  storm = true
  every(20, 600, () => unlessFrozen(send))
  every(7, 170, () => far.publish(chance.pick(channels)))
  every(100, 1700, () => {
    const fault = chance.pick(bag)
    tell(`-- ${fault}`)
    FAULTS[fault]?.()
  })
  await clock.advance(STORM_MS)

  // ---- calm: everything heals, and then everything must be settled

  storm = false
  tell('-- calm')
  Object.assign(weather, {
    latency: [1, 20],
    blocked: false,
    hangs: false,
    lostRequests: 0,
    lostAnswers: 0,
    lateRequests: 0,
  })
  await clock.advance(8000)
  if (!far.isUp()) far.start(true)
  hidden = false
  online = true
  thaw()
  if (socket.status === 'CLOSED') socket.connect()
  page('online')
  page('visibilitychange')
  const settled = (): boolean => {
    const { phase, queued } = socket.getSnapshot()
    return phase === 'ready' && queued === 0
  }
  await clock.advance(CALM_MS, settled)
  if (!settled()) {
    const { status, phase, queued } = socket.getSnapshot()
    ledger.violation(`did not come to rest: ${status} ${phase}, ${queued} queued`)
  }
  // Long enough for acks, and for the heads of a server's ping to tell of a lost last message.
  await clock.advance(12_000)
  ledger.finish()

  socket.close()
  await clock.advance(0)
  if (timers) ledger.violation(`${timers} timers are left after close()`)
  if (network.listeners()) ledger.violation(`${network.listeners()} listeners are left`)
  const left = [...pageListeners.values()].reduce((sum, { size }) => sum + size, 0)
  if (left) ledger.violation(`${left} page listeners are left`)
  if (network.requests()) ledger.violation(`${network.requests()} requests are left`)
  if (far.isUp()) far.crash()

  return {
    seed,
    violations: ledger.violations,
    ...ledger.counts,
    reconnects,
    switches,
    gaps: gapCount,
    unknown,
  }
}
