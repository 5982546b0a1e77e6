import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { createServer, startMarket } from 'resilient-websocket/server'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}node_modules/.cache/doc-examples/`

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
  mkdirSync(folder, { recursive: true })
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
  rmSync(folder, { recursive: true, force: true })
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
      const outfile = `${folder}${page.replaceAll('/', '-')}-${index}.mjs`
      await build({
        // The default port belongs to whoever runs the demo; the example says 3001 and gets ours.
        stdin: {
          contents: code.replaceAll('ws://localhost:3001/ws', url),
          resolveDir: root,
          loader: 'ts',
        },
        alias: {
          'resilient-websocket/indicator': `${root}src/indicator/index.ts`,
          'resilient-websocket/server': `${root}src/server/index.ts`,
          'resilient-websocket/testing': `${root}src/testing/index.ts`,
          'resilient-websocket': `${root}src/index.ts`,
        },
        outfile,
        bundle: true,
        format: 'esm',
        platform: 'node',
        external: ['mitt', 'nanoid', 'ws', 'redis'],
      })
      const asserted = vi.spyOn(console, 'assert')
      const connected = server.connections()
      await import(pathToFileURL(outfile).href)
      await expect.poll(() => server.connections()).toBe(connected)
      for (const [holds] of asserted.mock.calls) expect(holds).toBe(true)
    },
  )
})
