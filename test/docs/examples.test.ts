import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ResilientWebSocket } from 'resilient-websocket'
import { createServer, startMarket } from 'resilient-websocket/server'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { BUNDLES, runExample } from './bundle-example.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The TypeScript blocks of a page that import the library: each runs as it stands. */
const examplesOf = (page: string): string[] =>
  [...readFileSync(root + page, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code = '']) => code)
    .filter(code => code.includes("from 'resilient-websocket'"))

const server = createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true })
const market = startMarket(server, { intervalMs: 10 })
let url = ''
const original = globalThis.WebSocket

beforeAll(async () => {
  ;({ url } = await server.listen())
  // As in a browser, or in Node 22 and newer.
  globalThis.WebSocket = WebSocket as unknown as typeof globalThis.WebSocket
  vi.spyOn(console, 'log').mockImplementation(() => {})
})

afterAll(async () => {
  globalThis.WebSocket = original
  vi.restoreAllMocks()
  market.stop()
  await server.close()
  rmSync(BUNDLES, { recursive: true, force: true })
})

const recipes = readdirSync(`${root}docs/recipes`).map(name => `docs/recipes/${name}`)
const pages = ['README.md', 'docs/getting-started.md', 'docs/delivery.md', 'docs/indicator.md']

test('there are recipes', () => expect(recipes.length).toBeGreaterThan(3))

describe.each([...pages, ...recipes.filter(page => examplesOf(page).length)])('%s', page => {
  const examples = examplesOf(page)

  test('has examples', () => expect(examples.length).toBeGreaterThan(0))

  test.each(examples.map((code, index) => [index + 1, code] as const))(
    'example %i runs as it stands, to its end',
    async (index, code) => {
      const asserted = vi.spyOn(console, 'assert')
      const connected = server.connections()
      const name = `${page.replaceAll('/', '-')}-${index}`
      const { socket } = await runExample(code, { url, name, external: ['react'] })
      // An example that is part of an app exports the client that the app goes on with.
      ;(socket as ResilientWebSocket | undefined)?.close()
      await expect.poll(() => server.connections()).toBe(connected)
      for (const [holds] of asserted.mock.calls) expect(holds).toBe(true)
    },
  )
})
