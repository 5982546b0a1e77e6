import {
  createResilientWebSocket,
  type ResilientWebSocket,
  type WebSocketConstructor,
} from 'resilient-websocket'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, MemoryBroker, type ResilientServer } from '../../src/server/index.ts'
import { createChance } from '../simulation/chance.ts'
import { createLedger } from '../simulation/ledger.ts'
import { createFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'

/** How long the faults go on, ms. */
const STORM_MS = Number(process.env['STORY_MS'] ?? 120_000)
const SEED = Number(process.env['STORY_SEED'] ?? 1)
const CHANNELS = ['A', 'B']

let client: ResilientWebSocket | undefined
let proxy: FaultProxy | undefined
let server: ResilientServer | undefined

afterEach(async () => {
  client?.close()
  await proxy?.close()
  await server?.close()
})

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Resolves when the client says so. */
const until = (socket: ResilientWebSocket, holds: () => boolean): Promise<void> =>
  new Promise(resolve => {
    const off = socket.onChange(() => look())
    const look = (): void => {
      if (!holds()) return
      off()
      resolve()
    }
    look()
  })

test(
  `${STORM_MS / 1000} s of faults on real sockets, server and proxy: nothing lost, nothing doubled, in order, or told`,
  async () => {
    const chance = createChance(SEED)
    const ledger = createLedger({ gaps: new Set(['epoch']), unknown: true, rejections: new Set() })
    let broker = new MemoryBroker({ historySize: 100_000 })
    let up = false

    const startServer = async (port: number): Promise<number> => {
      const next = createServer({
        port,
        host: '127.0.0.1',
        allowMissingOrigin: true,
        broker,
        heartbeat: { intervalMs: 1000, timeoutMs: 1000 },
        onMessage({ data }) {
          ledger.out.applied((data as { number: number }).number, '')
        },
      })
      server = next
      const where = await next.listen()
      up = true
      return where.port
    }
    const port = await startServer(0)
    const faults = await createFaultProxy({ target: { host: '127.0.0.1', port } })
    proxy = faults

    const socket = createResilientWebSocket({
      url: faults.url('/ws'),
      environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
      dedupe: false,
      connectTimeoutMs: 1000,
      heartbeat: { intervalMs: 1000, timeoutMs: 500 },
      reconnect: { initialDelayMs: 30, maxDelayMs: 200, maxAttempts: 3, stableAfterMs: 300 },
      fallback: { intervalMs: 150, timeoutMs: 800, probeIntervalMs: 700 },
      queue: { limit: 100_000, retries: 1000 },
    })
    client = socket as ResilientWebSocket
    let reconnects = 0
    let switches = 0
    socket.on('status', ({ from, to }) => {
      if (to === 'OPEN' && from !== 'CONNECTING') reconnects++
      if (to === 'FALLBACK' || (to === 'OPEN' && from === 'FALLBACK')) switches++
      if (to === 'ERROR') ledger.violation(`ERROR: ${socket.error?.message}`)
    })
    socket.on('delivery', ({ id, state, reason }) => {
      // Not those of the client's own, which have other names.
      if (Number(id)) ledger.out.settled(Number(id), state, reason)
    })
    socket.on('gap', ({ channel, reason }) => ledger.in.gap(channel, reason))
    for (const channel of CHANNELS) {
      ledger.in.begins(channel)
      const { ready } = socket.subscribe(channel, message => {
        const { type, data } = message
        if (type === 'tick') ledger.in.delivered(channel, (data as { number: number }).number)
      })
      ready.then(() => ledger.in.confirmed(channel))
    }

    let storm = true
    let number = 0
    const talk = async (): Promise<void> => {
      while (storm) {
        number++
        ledger.out.sends(number, { user: '', urgent: false })
        const order = { type: 'order', id: `${number}`, data: { number } }
        ledger.out.sent(number, socket.send(order))
        if (up) {
          const channel = chance.pick(CHANNELS)
          broker.publish(channel, { type: 'tick', data: { number: ledger.in.publish(channel) } })
        }
        await pause(chance.whole(5, 40))
      }
    }

    const FAULTS: readonly (() => unknown)[] = [
      () => faults.cut(),
      () => faults.fin(),
      () => faults.rst(),
      () => faults.blackhole(),
      () => faults.blackhole({ up: true }),
      () => faults.blackhole({ down: true, swallow: true }),
      () => faults.delay(chance.whole(1, 200)),
      () => faults.throttle(20_000),
      () => faults.hang(),
      () => faults.rejectUpgrade(503),
      () => faults.refuse(),
      async () => {
        up = false
        await server?.close()
        // Half of the time it forgets everything.
        if (chance.maybe(0.5)) broker = new MemoryBroker({ historySize: 100_000 })
        await pause(chance.whole(0, 500))
        await startServer(port)
      },
    ]

    const talking = talk()
    await until(client, () => socket.getSnapshot().phase === 'ready')
    for (const end = performance.now() + STORM_MS; performance.now() < end; ) {
      await chance.pick(FAULTS)()
      if (chance.maybe(0.5)) faults.cut()
      await pause(chance.whole(50, 2500))
      faults.heal()
      await faults.resume()
      await pause(chance.whole(0, 1500))
    }
    storm = false
    await talking

    // Calm: everything is settled, and a ping of the server has told of a lost last message.
    const last = socket.request({ type: 'echo' }, { timeoutMs: 60_000 })
    await last
    await until(client, () => socket.getSnapshot().queued === 0)
    await pause(2500)
    ledger.finish()
    expect(ledger.violations).toEqual([])
    expect(reconnects).toBeGreaterThanOrEqual(Math.floor(STORM_MS / 8000))
    expect(switches).toBeGreaterThanOrEqual(2)
  },
  STORM_MS + 90_000,
)
