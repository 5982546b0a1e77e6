import { Socket } from 'phoenix'
import { createResilientWebSocket, type WebSocketConstructor } from 'resilient-websocket'
import { phoenix } from 'resilient-websocket/protocols'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createFaultProxy } from '../support/fault-proxy.ts'
import { startPhoenix } from '../support/phoenix-server.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000 })

const startServer = async () => {
  const server = await startPhoenix()
  ends.push(server.close)
  return server
}

test('our Phoenix server is one to the official client', async () => {
  const server = await startServer()
  const socket = new Socket(`ws://127.0.0.1:${server.port}/socket`, {
    transport: WebSocket as never,
    params: { user: 'ada' },
  })
  ends.push(() => socket.disconnect())
  socket.connect()
  const room = socket.channel('room:a', { since: 1 })
  const heard: unknown[] = []
  room.on('shout', data => void heard.push(data))
  const outcome = (push: ReturnType<typeof room.push>): Promise<unknown> =>
    new Promise(resolve => {
      for (const status of ['ok', 'error', 'timeout'] as const) {
        push.receive(status, response => void resolve([status, response]))
      }
    })
  expect(await outcome(room.join())).toEqual(['ok', {}])
  expect(await outcome(room.push('shout', { n: 1 }))).toEqual(['ok', {}])
  expect(await outcome(room.push('echo', { n: 2 }))).toEqual(['ok', { n: 2 }])
  expect(await outcome(room.push('fail', {}))).toEqual(['error', { reason: 'not allowed' }])
  expect(heard).toEqual([{ n: 1 }])
  const refused = socket.channel('private:a').join()
  expect(await outcome(refused)).toEqual(['error', { reason: 'unauthorized' }])
  expect(server.dials[0]?.path).toBe('/socket/websocket?user=ada&vsn=2.0.0')
  room.push('crash', {})
  await until(() => expect(server.joins.filter(({ topic }) => topic === 'room:a')).toHaveLength(2))
  expect(await outcome(room.leave())).toEqual(['ok', {}])
})

test('a client comes back to its channels after a cut, a black hole and a refusal', async () => {
  const server = await startServer()
  const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port: server.port } })
  ends.push(() => proxy.close())
  const socket = createResilientWebSocket({
    url: proxy.url('/socket'),
    protocol: phoenix({ params: { user: 'ada' } }),
    token: 'secret',
    reconnect: { initialDelayMs: 20, maxDelayMs: 100 },
    heartbeat: { intervalMs: 200, timeoutMs: 200 },
    environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
  })
  ends.push(() => socket.close())
  await socket.subscribe('room:a').ready
  expect(server.dials[0]).toEqual({
    path: '/socket/websocket?user=ada&vsn=2.0.0',
    protocols: 'phoenix,base64url.bearer.phx.c2VjcmV0',
  })
  const say = async (n: number): Promise<void> => {
    const { settled } = socket.send({ type: 'shout', channel: 'room:a', data: { n } })
    expect((await settled).state).toBe('acked')
  }
  await say(1)
  proxy.cut()
  await until(() => expect(server.joins).toHaveLength(2))
  await say(2)
  proxy.blackhole({ swallow: true })
  await until(() => expect(socket.status).toBe('RECONNECTING'))
  proxy.heal()
  await until(() => expect(server.joins).toHaveLength(3))
  await say(3)
  await proxy.refuse()
  proxy.cut()
  await until(() => expect(socket.getSnapshot().attempt).toBeGreaterThan(1))
  await proxy.resume()
  await until(() => expect(server.joins).toHaveLength(4))
  await say(4)
  expect(server.shouts).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
})
