/** The packed library where there is no page: each entry can be imported, touches nothing, and a socket works. */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createServer, MemoryBroker, type ResilientServer } from 'resilient-websocket/server'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'

const FOLDER = fileURLToPath(new URL('../runtimes', import.meta.url))

const RUNTIMES = [
  // The oldest one that package.json promises.
  { name: 'Node 20.0', command: 'node20/bin/node', args: [] },
  { name: 'Node 22', command: 'node22/bin/node', args: [] },
  { name: 'Node 24', command: 'node24/bin/node', args: [] },
  { name: 'Deno', command: '@deno/linux-x64-glibc/deno', args: ['run', '--allow-all'] },
  { name: 'Bun', command: '@oven/bun-linux-x64/bin/bun', args: ['run'] },
]

const SUPPORTED = process.platform === 'linux' && process.arch === 'x64'
if (!SUPPORTED) {
  const message = `The other runtimes are installed as programs for Linux on x64; this is ${process.platform} on ${process.arch}, so nothing is tried in them.`
  if (process.env['CI']) throw new Error(message)
  console.warn(`\nSKIPPED: ${message}\n`)
}

describe.skipIf(!SUPPORTED)('the packed library', () => {
  let server: ResilientServer
  let proxy: FaultProxy
  let publishing: ReturnType<typeof setInterval>
  let number = 0

  beforeAll(() => {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: FOLDER, stdio: 'inherit' })
  }, 300_000)

  beforeEach(async () => {
    number = 0
    server = createServer({
      port: 0,
      host: '127.0.0.1',
      allowMissingOrigin: true,
      broker: new MemoryBroker({ historySize: 10_000 }),
      onMessage() {},
    })
    const { port } = await server.listen()
    proxy = await createFaultProxy({ target: { host: '127.0.0.1', port } })
  })
  afterEach(async () => {
    clearInterval(publishing)
    await proxy.close()
    await server.close()
  })

  test.each(RUNTIMES)('in $name', async ({ command, args }) => {
    const path = `${FOLDER}/node_modules/${command}`
    expect(existsSync(path)).toBe(true)
    const off = server.on('connection', () => {
      off()
      publishing = setInterval(() => {
        number++
        void server.publish('numbers', { type: 'number', data: { number } })
        if (number === 150) proxy.cut()
      }, 5)
    })
    const { error, stdout, stderr } = await new Promise<{
      error: Error | null
      stdout: string
      stderr: string
    }>(resolve => {
      execFile(
        path,
        [...args, 'story.mjs', proxy.url('/ws')],
        { cwd: FOLDER, timeout: 30_000 },
        (failure, out, err) => resolve({ error: failure, stdout: out, stderr: err }),
      )
    })
    expect(stderr).toBe('')
    expect(error).toBeNull()
    const last = stdout.trim().split('\n').at(-1) as string
    expect(JSON.parse(last)).toEqual({
      touched: [],
      statuses: ['OPEN', 'RECONNECTING', 'OPEN', 'CLOSED'],
      states: ['acked'],
      inOrder: true,
    })
  })
})
