import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createResilientWebSocket,
  type ResilientWebSocket,
  type ResilientWebSocketOptions,
  type WebSocketConstructor,
} from 'resilient-websocket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createFaultProxy, type FaultProxy } from '../support/fault-proxy.ts'

let http: Server
let server: WebSocketServer
let proxy: FaultProxy
let client: ResilientWebSocket | undefined
/** What reached the server, over all connections. */
let received: unknown[]

beforeEach(async () => {
  received = []
  http = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ path: request.url }))
  })
  server = new WebSocketServer({ server: http })
  server.on('connection', socket => {
    socket.on('error', () => {})
    socket.send(JSON.stringify({ type: 'connection', data: {} }))
    socket.on('message', data => {
      const message = JSON.parse(String(data))
      if (message.type === 'ping') {
        socket.send(JSON.stringify({ type: 'pong', data: message.data, replyTo: message.id }))
      } else received.push(message.data)
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  proxy = await createFaultProxy({ target: { host: '127.0.0.1', port } })
})

afterEach(async () => {
  client?.close()
  client = undefined
  await proxy.close()
  for (const socket of server.clients) socket.terminate()
  await new Promise(done => http.close(done))
})

const start = (options: ResilientWebSocketOptions = {}): ResilientWebSocket => {
  client = createResilientWebSocket<unknown, unknown>({
    url: proxy.url('/ws'),
    environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
    reconnect: { initialDelayMs: 10, maxDelayMs: 50 },
    ...options,
  })
  return client
}

/** Resolves with the change that leads to this status; at once if it is there. */
const reaches = (socket: ResilientWebSocket, status: string): Promise<void> =>
  new Promise(resolve => {
    if (socket.getSnapshot().status === status && socket.getSnapshot().phase !== 'authenticating') {
      return resolve()
    }
    const off = socket.onChange(() => {
      const now = socket.getSnapshot()
      if (now.status !== status || now.phase === 'authenticating') return
      off()
      resolve()
    })
  })

const changes = (socket: ResilientWebSocket): string[] =>
  socket.stateHistory.map(({ from, to }) => `${from}>${to}`)

describe('over real sockets', () => {
  test.each(['cut', 'fin', 'rst'] as const)(
    'a link that ends by %s is replaced, and what was sent meanwhile arrives once and in order',
    async fault => {
      const socket = start()
      await reaches(socket, 'OPEN')
      socket.send({ type: 'order', data: 1 })
      await expect.poll(() => received).toEqual([1])
      const lost = new Promise(resolve => socket.on('close', resolve))
      proxy[fault]()
      await lost
      const deliveries = [2, 3, 4].map(data => socket.send({ type: 'order', data }))
      expect(deliveries.map(({ state }) => state)).toEqual(['queued', 'queued', 'queued'])
      await reaches(socket, 'OPEN')
      await expect.poll(() => received).toEqual([1, 2, 3, 4])
      expect(changes(socket)).toEqual([
        'CLOSED>CONNECTING',
        'CONNECTING>OPEN',
        'OPEN>RECONNECTING',
        'RECONNECTING>OPEN',
      ])
      expect(proxy.connections).toBe(1)
    },
  )

  test('a black hole is noticed by the heartbeat, and the dead link is left at once', async () => {
    const socket = start({ heartbeat: { intervalMs: 50, timeoutMs: 50 } })
    await reaches(socket, 'OPEN')
    const changed = new Promise<{ reason?: string }>(resolve => socket.on('status', resolve))
    proxy.blackhole()
    expect(await changed).toMatchObject({ to: 'RECONNECTING', reason: 'Heartbeat timeout' })
    proxy.heal()
    await reaches(socket, 'OPEN')
  })

  test('a quiet link that answers pings lives on', async () => {
    const socket = start({ heartbeat: { intervalMs: 20, timeoutMs: 2000 } })
    await reaches(socket, 'OPEN')
    let answered = 0
    await new Promise<void>(resolve =>
      socket.on('latency', () => {
        if (++answered === 3) resolve()
      }),
    )
    expect(changes(socket)).toEqual(['CLOSED>CONNECTING', 'CONNECTING>OPEN'])
    expect(socket.getSnapshot().latencyMs).toBeGreaterThanOrEqual(0)
  })

  test('a server that accepts and never answers is a failed attempt after connectTimeoutMs', async () => {
    proxy.hang()
    const socket = start({ connectTimeoutMs: 50 })
    const change = await new Promise(resolve => socket.on('status', resolve))
    expect(change).toMatchObject({
      from: 'CONNECTING',
      to: 'RECONNECTING',
      reason: 'Connect timeout',
    })
    await proxy.resume()
    await reaches(socket, 'OPEN')
  })

  test('disconnect() while CONNECTING leaves no connection behind', async () => {
    proxy.hang()
    const socket = start()
    await expect.poll(() => proxy.connections).toBe(1)
    socket.disconnect()
    await expect.poll(() => proxy.connections).toBe(0)
    await proxy.resume()
    expect(socket.status).toBe('CLOSED')
    expect(proxy.accepted).toBe(1)
  })

  test('close 1008 is final: the status says ERROR and nothing is dialed again', async () => {
    const socket = start()
    await reaches(socket, 'OPEN')
    for (const each of server.clients) each.close(1008, 'policy')
    await reaches(socket, 'ERROR')
    expect(socket.error?.message).toContain('1008')
    expect(proxy.accepted).toBe(1)
  })

  test('refused and rejected dials lead to polling, and the WebSocket comes back by itself', async () => {
    proxy.rejectUpgrade(503)
    const socket = start({
      reconnect: { initialDelayMs: 5, maxDelayMs: 10, maxAttempts: 2 },
      fallback: { url: '/snapshot', intervalMs: 20, probeIntervalMs: 50 },
    })
    const polled = new Promise(resolve => socket.on('message', resolve))
    await reaches(socket, 'FALLBACK')
    expect(proxy.accepted).toBeGreaterThanOrEqual(3)
    expect(await polled).toEqual({ type: 'snapshot', data: { path: '/snapshot' } })
    socket.send({ type: 'order', data: 'kept' })
    await proxy.resume()
    await reaches(socket, 'OPEN')
    await expect.poll(() => received).toEqual(['kept'])
    expect(changes(socket).slice(-2)).toEqual(['RECONNECTING>FALLBACK', 'FALLBACK>OPEN'])
  })

  test('bytes that come late and in pieces are whole messages in order', async () => {
    const socket = start()
    await reaches(socket, 'OPEN')
    const heard: number[] = []
    socket.on('message', message => heard.push((message as { data: number }).data))
    proxy.throttle(20_000)
    const sent = Array.from({ length: 100 }, (_, data) => data)
    for (const each of server.clients) {
      for (const data of sent) each.send(JSON.stringify({ type: 'tick', id: `t${data}`, data }))
    }
    await expect.poll(() => heard.length, { timeout: 10_000 }).toBe(100)
    expect(heard).toEqual(sent)
  })
})
