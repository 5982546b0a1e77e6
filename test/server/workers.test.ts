import cluster from 'node:cluster'
import { afterEach, expect, test, vi } from 'vitest'
import { RedisBroker } from '../../src/server/index.ts'
import { startServer } from './support.ts'

const isWorker = cluster.isWorker
afterEach(() => {
  Object.assign(cluster, { isWorker })
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const WARNING = /one of several workers .* MemoryBroker .* Use a RedisBroker/

const createLog = () => {
  const warnings: string[] = []
  const logger = {
    debug() {},
    info() {},
    warn: (line: unknown) => void warnings.push(`${line}`),
    error() {},
  }
  return { logger, warnings }
}

test('a worker of the cluster module with a broker in memory is warned of, once', async () => {
  const { logger, warnings } = createLog()
  Object.assign(cluster, { isWorker: true })
  const server = await startServer({ logger })
  await server.listen()
  expect(warnings).toEqual([expect.stringMatching(WARNING)])
})

test('without a logger the warning is one of the process', async () => {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  Object.assign(cluster, { isWorker: true })
  await startServer()
  expect(emitWarning.mock.calls).toEqual([
    [expect.stringMatching(WARNING), 'ResilientWebSocketWarning'],
  ])
})

test.each([
  ['1', 1],
  ['0', 0],
  ['', 0],
])(
  'NODE_APP_INSTANCE=%j of pm2, which the only process has as well: %i warnings',
  async (instance, expected) => {
    const { logger, warnings } = createLog()
    vi.stubEnv('NODE_APP_INSTANCE', instance)
    await startServer({ logger })
    expect(warnings).toHaveLength(expected)
  },
)

test('workers that share a broker are not warned of', async () => {
  const { logger, warnings } = createLog()
  Object.assign(cluster, { isWorker: true })
  // Nobody answers there.
  const broker = new RedisBroker({ url: 'redis://127.0.0.1:1' })
  await startServer({ logger, broker })
  expect(warnings).toEqual([])
})
