/** The packed library with the oldest React and Vue that it supports. */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createServer, type ResilientServer } from 'resilient-websocket/server'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

const FOLDER = fileURLToPath(new URL('../peers', import.meta.url))
const run = promisify(execFile)

let server: ResilientServer
let url: string
let publishing: ReturnType<typeof setInterval> | undefined
let connected = 0
const orders: string[] = []

beforeAll(() => {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: 'inherit' })
}, 300_000)

beforeEach(async () => {
  connected = 0
  server = createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true })
  const { port } = await server.listen()
  url = `ws://127.0.0.1:${port}/ws`
  let number = 0
  server.on('connection', () => {
    connected++
    publishing ??= setInterval(() => {
      void server.publish('AAPL', { type: 'quote', data: ++number })
    }, 20)
  })
})

afterEach(async () => {
  clearInterval(publishing)
  publishing = undefined
  await server.close()
})

test.each(['react', 'vue'])('%s: two hooks and a subscription on one connection', async name => {
  const { stdout, stderr } = await run(process.execPath, [`${name}.mjs`, url], {
    cwd: FOLDER,
    timeout: 30_000,
  })
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}/package.json`, 'utf8'))
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual({
    version: expect.stringMatching(new RegExp(`^${dependencies[name]}(-|$)`)),
    rendered: '<p>CONNECTING CONNECTING undefined</p>',
    // Whoever reads only the status renders for nothing else.
    more: 0,
    complaints: [],
  })
  expect(connected).toBe(1)
})

test.each(['react', 'vue'])('%s: the next user never acts as the one before', async name => {
  orders.length = 0
  const desk = createServer({
    port: 0,
    host: '127.0.0.1',
    allowMissingOrigin: true,
    authenticate: ({ token }) => (token ? { user: token.replace('token-of-', '') } : null),
    authorize: (user, action, channel) => action === 'send' || channel === `of-${user}`,
    onMessage: ({ data }, { user }) => void orders.push(`${user}: ${data}`),
  })
  const { port } = await desk.listen()
  const telling = setInterval(() => {
    for (const user of ['ann', 'bob']) {
      void desk.publish(`of-${user}`, { type: 'note', data: `note of ${user}` })
    }
  }, 20)
  const { stdout } = await run(
    process.execPath,
    [`${name}-users.mjs`, `ws://127.0.0.1:${port}/ws`],
    { cwd: FOLDER, timeout: 30_000 },
  )
  clearInterval(telling)
  await desk.close()
  expect(JSON.parse(stdout)).toMatchObject({
    shown: ['ann note of ann', 'ann undefined', 'bob note of bob', 'bob undefined'],
    complaints: [],
  })
  expect([...new Set(orders)].sort()).toEqual([
    'ann: first of ann',
    'ann: then of ann',
    'bob: first of bob',
    'bob: then of bob',
  ])
})
