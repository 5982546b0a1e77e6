/** One seeded run: the real client and the real server logic, a network that fails, and the ledger's verdict. */
import { createResilientWebSocket, envelope } from '../../src/index.ts'
import { createApplication } from './application.ts'
import { createChance } from './chance.ts'
import { createClock } from './clock.ts'
import { createFarServer } from './far.ts'
import { createFaults } from './faults.ts'
import { createLedger } from './ledger.ts'
import { createNetwork, FAIR } from './network.ts'
import { createPage } from './page.ts'
import { createPlan } from './plan.ts'
import { createWatch } from './watch.ts'

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

const STORM_MS = 40_000
const CALM_MS = 240_000
const SHORT_SESSION_MS = 4000

export const runSeed = async (seed: number, say?: (words: string) => void): Promise<Outcome> => {
  const chance = createChance(seed)
  const clock = createClock()
  const tell = (words: string): void => say?.(`${String(clock.now()).padStart(6)} ${words}`)
  const plan = createPlan(chance)
  const { has } = plan
  tell(`-- ${plan.troubles.join(', ')}`)
  const conflates = has('batches') && chance.maybe(0.3)
  const byChannel = ({ channel }: { channel?: string }): unknown => channel
  const ledger = createLedger({
    ...plan,
    dedupes: has('dedupe'),
    batches: has('batches'),
    ...(conflates && { conflate: byChannel }),
  })

  // ---- the world

  // A poll asks for one channel after the other.
  const slowMs = has('many channels') ? 10 : 100
  const far = createFarServer(clock, chance, ledger, {
    options: {
      heartbeat: { intervalMs: chance.whole(500, 3000), timeoutMs: chance.whole(300, 1500) },
      rateLimit: has('low rate') ? { limit: 8, perMs: 1000 } : { limit: 50, perMs: 1000 },
      sessionTtlMs: has('short sessions') ? SHORT_SESSION_MS : 600_000,
      maxPayload: chance.pick([2048, 65_536]),
    },
    historySize: has('short history') ? 10 : 100_000,
    historyTtlMs: 3_600_000,
    brokerMs: has('slow history') ? slowMs : 0,
    storeMs: has('slow store') ? slowMs : 0,
    shortSessions: has('short sessions'),
    slowMs: has('slow handlers') ? chance.pick([20, 400]) : 0,
    refuses: has('refusals') ? 0.05 : 0,
    tokenMs: has('short tokens') ? 3000 : has('tokens') ? 600_000 : 0,
    sameIds: has('same ids'),
    proxyLimit: has('tight proxy') ? 600 : 0,
  })
  const watch = createWatch({
    ledger,
    now: clock.now,
    clientNow: () => page.monotonicNow(),
  })
  const network = createNetwork(clock, chance, far, watch)
  const { weather } = network
  if (has('deaf fetch')) network.deaf = true
  if (has('late first frames')) weather.slowStartMs = 2500
  const page = createPage(clock, chance, network)
  const later = (low: number, high: number, run: () => void): void =>
    void clock.after(chance.whole(low, high), run)

  const token = async (): Promise<string> => {
    if (has('slow tokens')) {
      await new Promise<void>(done => later(0, 800, () => page.unlessFrozen(done)))
      if (chance.maybe(0.1)) throw new Error('No token now')
    }
    return far.token(application.user())
  }

  // ---- the client

  const heard = (...words: unknown[]): void => tell(`client: ${words.join(' ')}`)
  const socket = createResilientWebSocket({
    url: 'ws://server/ws',
    protocol: envelope({ version: plan.demands ? 1 : 'auto' }),
    ...(!has('dedupe') && { dedupe: false }),
    ...(has('batches') && {
      batch: { windowMs: chance.whole(1, 200), ...(conflates && { conflate: byChannel }) },
    }),
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
      timeoutMs: chance.whole(has('slow store') ? 1500 : 500, 3000),
      probeIntervalMs: chance.whole(300, 2000),
    },
    queue: {
      limit: plan.queueLimit ?? 100_000,
      retries: plan.retries,
      ratePerSecond: chance.pick([20, 40, 200]),
      maxInFlight: plan.mostInFlight,
    },
    ...(has('tokens') && { token }),
    environment: page.environment,
    ...(say && { logger: { debug() {}, info: heard, warn: heard, error: heard } }),
  })

  let lively = true
  let calm = false
  let reconnects = 0
  let switches = 0
  socket.on('status', ({ from, to, reason }) => {
    network.rest()
    if (to === 'OPEN' && from !== 'CONNECTING') reconnects++
    if ((to === 'OPEN' && from === 'FALLBACK') || to === 'FALLBACK') switches++
    tell(`${from} > ${to} ${reason ?? ''}`)
    if (to !== 'ERROR') return
    if (/401/.test(socket.error?.message ?? '') && has('short tokens')) {
      later(50, 500, () => socket.connect())
    } else ledger.violation(`ERROR: ${socket.error?.message}`)
  })
  const application = createApplication({
    socket,
    chance,
    ledger,
    page,
    plan,
    now: clock.now,
    later,
    tell,
    switched: network.rest,
    lively: () => lively,
    // Tokens that expire, what is too large, and answers that take longer than is waited go on to cost links.
    isCalm: () =>
      calm &&
      !has('short tokens') &&
      !has('tight proxy') &&
      !(has('few retries') && (has('slow store') || has('slow handlers'))),
    isPlain: watch.isPlain,
    link: watch.link,
  })
  const fault = createFaults({
    socket,
    application,
    chance,
    far,
    network,
    page,
    plan,
    forgot: ledger.in.forgot,
    after: clock.after,
    later,
    tell,
  })

  // ---- the storm

  let storm = true
  const every = (low: number, high: number, run: () => void): void =>
    later(low, high, () => {
      if (!storm) return
      run()
      every(low, high, run)
    })
  try {
    // Who does not demand protocol v1 gets to know that the server speaks it.
    if (!plan.demands && !has('late first frames')) await clock.advance(1000)
    every(20, 600, () => page.unlessFrozen(application.send))
    every(7, 170, () => far.publish(chance.pick(plan.channels)))
    every(100, 1700, fault)
    await clock.advance(STORM_MS)

    // ---- calm: everything heals, and then everything must be settled

    storm = false
    tell('-- calm')
    const onlyHttp = has('http only at last')
    const endLinks = (): void => {
      if (onlyHttp) for (const link of network.live()) link.cut()
    }
    Object.assign(weather, FAIR, { blocked: onlyHttp })
    endLinks()
    await clock.advance(7000)
    lively = false
    await clock.advance(1000)
    // Whatever was planned in the storm is over.
    Object.assign(weather, FAIR, { blocked: onlyHttp })
    endLinks()
    if (!far.isUp()) far.start(true)
    far.forbid(undefined)
    far.failStore(0)
    page.thaw()
    if (socket.status === 'CLOSED') socket.connect()
    if (!page.isOnline()) page.online(true)
    if (page.isHidden()) page.hide(false)
    const settled = (): boolean =>
      !ledger.out.open() &&
      (onlyHttp ? socket.status === 'FALLBACK' : socket.getSnapshot().phase === 'ready')
    await clock.advance(CALM_MS, settled)
    if (!settled()) {
      const { status, phase, queued } = socket.getSnapshot()
      const open = `${queued} queued, ${ledger.out.open()} not settled`
      ledger.violation(`did not come to rest: ${status} ${phase}, ${open}`)
    }
    calm = true
    // Now all goes well: what is sent and published arrives.
    const rarely = has('rare sends') && has('short sessions') ? 2 * SHORT_SESSION_MS : 1000
    for (let left = 2; left; left--) {
      // The word of the last one may be lost: then only the heads of a ping, or a poll, tell of it.
      if (left === 1 && chance.maybe(0.5)) far.mislay(plan.channels.length)
      for (let many = chance.whole(1, 8); many; many--) application.send()
      for (const channel of plan.channels) far.publish(channel)
      await clock.advance(rarely)
    }
    // Long enough for acks, and for the heads of a server's ping to tell of a lost last message.
    await clock.advance(12_000)
    ledger.finish(watch.isPlain())

    socket.close()
    await clock.advance(0)
    if (page.timers()) ledger.violation(`${page.timers()} timers are left after close()`)
    if (network.listeners()) ledger.violation(`${network.listeners()} listeners are left`)
    if (page.listeners()) ledger.violation(`${page.listeners()} page listeners are left`)
    if (!has('deaf fetch') && network.requests())
      ledger.violation(`${network.requests()} requests are left`)
  } catch (thrown) {
    ledger.violation(`${thrown}`)
    lively = false
    socket.close()
  }
  if (far.isUp()) far.crash()

  return {
    seed,
    violations: ledger.violations,
    ...ledger.out.counts,
    ...ledger.in.counts,
    reconnects,
    switches,
    ...application.counts,
  }
}
