/** The other side: a companion server behind a fault proxy, and the ledger of what went both ways. */
import {
  createServer,
  MemoryBroker,
  type ResilientServer,
  type WireMessage,
} from 'resilient-websocket/server'
import { createLedger } from '../../simulation/ledger.ts'
import { createFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'
import type { Report } from './lab.ts'

export interface Stand {
  readonly proxy: FaultProxy
  /** Through the proxy. */
  readonly url: string
  readonly snapshotUrl: string
  readonly connections: number
  /** The last number published. */
  readonly published: number
  readonly applied: readonly number[]
  /** Publishes a number every few ms. */
  talk(): void
  hush(): void
  /** The server dies; a new one takes its place, which has forgotten everything. */
  replace(): Promise<void>
  /** What was promised and not kept; call it when all is calm. `told`: losses may be, if told. */
  violations(report: Report, told?: boolean): string[]
  close(): Promise<void>
}

/** Ms from number to number: what the server replays at once is then as much as ten seconds bring. */
const EVERY = 10

export const createStand = async (allowedOrigins: readonly string[]): Promise<Stand> => {
  let published = 0
  let applied: number[] = []
  let talking: ReturnType<typeof setInterval> | undefined
  let talks = false

  const start = async (port: number): Promise<{ server: ResilientServer; port: number }> => {
    const server = createServer({
      port,
      host: '127.0.0.1',
      allowedOrigins,
      // Longer than a test blocks a page.
      heartbeat: { intervalMs: 1000, timeoutMs: 2000 },
      broker: new MemoryBroker({ historySize: 100_000 }),
      onMessage({ data }: WireMessage) {
        applied.push((data as { number: number }).number)
      },
    })
    const { port: own } = await server.listen()
    return { server, port: own }
  }
  let { server, port } = await start(0)
  const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port } })

  const publish = (): void => {
    published++
    void server.publish('numbers', { type: 'number', data: { number: published } })
  }

  const stand: Stand = {
    proxy,
    url: proxy.url('/ws'),
    snapshotUrl: proxy.url('/api/market/snapshot').replace(/^ws/, 'http'),
    get connections() {
      return server.connections()
    },
    get published() {
      return published
    },
    get applied() {
      return applied
    },
    talk() {
      talks = true
      talking = setInterval(publish, EVERY)
    },
    hush() {
      talks = false
      clearInterval(talking)
    },
    async replace() {
      clearInterval(talking)
      await server.close()
      ;({ server, port } = await start(port))
      if (talks) stand.talk()
    },
    violations({ heard, deliveries, settled }, told = false) {
      const ledger = createLedger({
        gaps: new Set(told ? ['epoch'] : []),
        unknown: told,
        rejections: new Set(),
      })
      ledger.in.begins('numbers')
      ledger.in.confirmed('numbers')
      for (let number = 1; number <= published; number++) ledger.in.publish('numbers')
      for (const [index, each] of heard.entries()) {
        if (typeof each === 'number') ledger.in.delivered('numbers', each)
        else {
          // What was published by then is not known any more; what follows goes on without a hole.
          const next = heard.slice(index).find(other => typeof other === 'number')
          const upTo = typeof next === 'number' ? next - 1 : published
          ledger.in.gap('numbers', each.replace('gap: ', ''), upTo)
        }
      }
      deliveries.forEach((_delivery, index) => {
        ledger.out.sends(index + 1, { user: '', urgent: false })
      })
      for (const number of applied) ledger.out.applied(number, '')
      deliveries.forEach((delivery, index) => {
        ledger.out.sent(index + 1, delivery as never)
      })
      for (const id of settled) {
        const index = deliveries.findIndex(each => each.id === id)
        const { state, reason } = deliveries[index] ?? {}
        ledger.out.settled(index + 1, state as never, reason as never)
      }
      ledger.finish()
      return ledger.violations
    },
    async close() {
      stand.hush()
      applied = []
      await proxy.close()
      await server.close()
    },
  }
  return stand
}
