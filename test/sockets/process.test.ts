import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'

const folder = fileURLToPath(new URL('../../node_modules/.cache/process-test/', import.meta.url))
const run = promisify(execFile)

beforeAll(async () => {
  mkdirSync(folder, { recursive: true })
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
    outfile: `${folder}index.mjs`,
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['mitt', 'nanoid'],
  })
})

const script = (name: string, text: string): string => {
  const path = `${folder}${name}.mjs`
  writeFileSync(path, text)
  return path
}

test.each(['close', 'disconnect'])('after %s() a Node process ends by itself', async method => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const path = script(
    method,
    `import { WebSocket } from 'ws'
     import { createResilientWebSocket } from './index.mjs'
     const socket = createResilientWebSocket({ url: 'ws://127.0.0.1:${port}', environment: { WebSocket } })
     socket.subscribe('A')
     socket.on('open', () => { socket.send({ type: 'x' }); socket.${method}(); console.log(socket.status) })`,
  )
  const { stdout } = await run(process.execPath, [path], { timeout: 15_000 })
  expect(stdout.trim()).toBe('CLOSED')
  await new Promise(done => server.close(done))
})

test('importing the client touches nothing: no timer, no global, and the process ends', async () => {
  const path = script(
    'import',
    `const before = Object.getOwnPropertyNames(globalThis).length
     await import('./index.mjs')
     console.log(Object.getOwnPropertyNames(globalThis).length - before)`,
  )
  const { stdout } = await run(process.execPath, [path], { timeout: 15_000 })
  expect(stdout.trim()).toBe('0')
})
