import { createResilientWebSocket, type WebSocketConstructor } from 'resilient-websocket'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer, RedisBroker, type ResilientServer } from '../../src/server/index.ts'
import { hasRedis, type RedisServer, startRedis } from '../server/redis-server.ts'
import { createChance } from '../simulation/chance.ts'
import { createLedger, type LedgerRules } from '../simulation/ledger.ts'

/** How long the faults go on, ms. */
const STORM_MS = Number(process.env['SERVERS_STORY_MS'] ?? 15_000)
const SEED = Number(process.env['STORY_SEED'] ?? 1)
const CHANNELS = ['A', 'B']
/** A beat of 500 ms. */
const LEASE_MS = 2000

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

interface Story {
  readonly name: string
  readonly allowed: LedgerRules
  /** Options of Redis. */
  readonly options: readonly string[]
  faults(redis: RedisServer, chance: ReturnType<typeof createChance>): (() => Promise<void>)[]
}

const restart = async (redis: RedisServer, ms: number): Promise<void> => {
  await redis.kill()
  await pause(ms)
  await redis.start()
}

const STORIES: readonly Story[] = [
  {
    name: 'Redis stands still and cuts connections: nothing is lost or doubled, and nobody needs to be told',
    allowed: { gaps: new Set(), unknown: false, rejections: new Set() },
    options: [],
    faults: (redis, chance) => [
      async () => void (await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')),
      async () => void (await redis.command('CLIENT', 'KILL', 'TYPE', 'normal')),
      async () => {
        redis.pause()
        await pause(chance.whole(100, 2500))
        redis.resume()
      },
    ],
  },
  {
    name: 'Redis restarts, sometimes without its data or their end: nothing is lost or doubled, or it is told',
    allowed: { gaps: new Set(['epoch', 'ahead']), unknown: true, rejections: new Set() },
    options: ['--appendonly', 'no'],
    faults: (redis, chance) => [
      async () => {
        // A snapshot from before: what was acknowledged since is forgotten.
        await redis.command('SAVE')
        await pause(chance.whole(0, 500))
        await restart(redis, chance.whole(0, 500))
      },
      async () => {
        await redis.command('FLUSHALL')
        await restart(redis, chance.whole(0, 500))
      },
      async () => {
        redis.pause()
        await pause(chance.whole(100, 2500))
        redis.resume()
      },
    ],
  },
]

describe.skipIf(!hasRedis)(
  'two servers on one Redis, and a client that is thrown from one to the other',
  () => {
    test.each(STORIES)(
      '$name',
      async ({ allowed, options, faults }) => {
        const chance = createChance(SEED)
        const ledger = createLedger(allowed)
        const redis = await startRedis(...options)
        ends.push(() => redis.end())
        const create = (): RedisBroker => {
          const broker = new RedisBroker({
            url: redis.url,
            leaseMs: LEASE_MS,
            historySize: 100_000,
          })
          ends.push(() => broker.close())
          return broker
        }

        const servers: ResilientServer[] = []
        const urls: string[] = []
        const startServer = async (at: number): Promise<void> => {
          const server = createServer({
            port: 0,
            host: '127.0.0.1',
            allowMissingOrigin: true,
            broker: create(),
            rateLimit: false,
            heartbeat: { intervalMs: 1000, timeoutMs: 2000 },
            async onMessage({ data }) {
              await pause(chance.whole(0, 20))
              ledger.out.applied((data as { number: number }).number, '')
            },
          })
          urls[at] = (await server.listen()).url
          servers[at] = server
        }
        for (const at of [0, 1]) await startServer(at)
        ends.push(async () => {
          for (const server of servers) await server.close()
        })

        const socket = createResilientWebSocket({
          url: () => chance.pick(urls),
          environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
          connectTimeoutMs: 2000,
          heartbeat: { intervalMs: 1000, timeoutMs: 1000 },
          reconnect: { initialDelayMs: 30, maxDelayMs: 200, stableAfterMs: 300 },
          fallback: false,
          queue: { limit: 100_000, retries: 100_000 },
        })
        ends.push(() => socket.close())
        socket.on('status', ({ to }) => {
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
          await ready
          ledger.in.confirmed(channel)
        }

        let storm = true
        const talk = async (): Promise<void> => {
          for (let number = 1; storm; number++) {
            ledger.out.sends(number, { user: '', urgent: false })
            const order = { type: 'order', id: `${number}`, data: { number } }
            ledger.out.sent(number, socket.send(order))
            await pause(chance.whole(5, 40))
          }
        }
        const publisher = create()
        /** Until it is published, under one id: the client drops what comes twice. */
        const publish = async (channel: string): Promise<void> => {
          const number = ledger.in.publish(channel)
          const publication = { type: 'tick', data: { number }, id: `${channel}-${number}` }
          while (
            await publisher.publish(channel, publication).then(
              () => false,
              () => true,
            )
          ) {
            await pause(20)
          }
        }
        const report = async (channel: string): Promise<void> => {
          while (storm) {
            await publish(channel)
            await pause(chance.whole(5, 40))
          }
        }

        const all = [
          ...faults(redis, chance),
          async () => socket.reconnect(),
          async () => socket.reconnect(),
          async () => {
            const at = chance.whole(0, 1)
            await servers[at]?.close()
            await startServer(at)
          },
        ]
        const busy = Promise.all([talk(), ...CHANNELS.map(report)])
        for (const end = performance.now() + STORM_MS; performance.now() < end; ) {
          await chance.pick(all)()
          await pause(chance.whole(0, 700))
        }
        storm = false
        await busy

        // Calm: everything is settled, and a last message tells of what is missing.
        for (const channel of CHANNELS) await publish(channel)
        await socket.request({ type: 'echo' }, { timeoutMs: 30_000 })
        await expect.poll(() => socket.getSnapshot().queued, { timeout: 30_000 }).toBe(0)
        await pause(2500)
        ledger.finish()
        expect(ledger.violations).toEqual([])
        expect(ledger.out.counts.applied).toBeGreaterThan(STORM_MS / 200)
        expect(ledger.in.counts.delivered).toBeGreaterThan(STORM_MS / 200)
      },
      STORM_MS + 90_000,
    )
  },
)
