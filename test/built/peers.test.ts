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
