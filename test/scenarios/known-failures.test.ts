import { createResilientWebSocket, type ResilientWebSocketOptions } from 'resilient-websocket'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'

/** The failures of hand-written clients, each by its story. */
const start = (options: ResilientWebSocketOptions<never, never> = {}) => {
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    environment: network.environment,
    ...(options as object),
  })
  const statuses: string[] = [socket.status]
  socket.on('status', ({ to }) => statuses.push(to))
  return { network, clock: network.clock, socket, statuses }
}

describe('known failures of hand-written clients', () => {
  test('after an automatic reconnect the status is OPEN again, not RECONNECTING for ever', async () => {
    const { network, clock, socket, statuses } = start()
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    network.socket().close(1006)
    expect(socket.status).toBe('RECONNECTING')
    await clock.advance(4000)
    network.socket().open()
    expect(socket.status).toBe('OPEN')
    expect(statuses).toEqual(['CONNECTING', 'OPEN', 'RECONNECTING', 'OPEN'])
    expect(socket.stateHistory.map(({ from, to }) => `${from}>${to}`)).toEqual([
      'CLOSED>CONNECTING',
      'CONNECTING>OPEN',
      'OPEN>RECONNECTING',
      'RECONNECTING>OPEN',
    ])
  })

  test('exactly five redials are made before the fallback', async () => {
    const { network, clock, socket } = start()
    network.onDial = dialed => queueMicrotask(() => dialed.fail())
    network.socket().fail()
    await clock.advance(200_000)
    const redials = network.sockets.length - 1
    expect(socket.stateHistory.at(-1)?.to).toBe('FALLBACK')
    const fallbackAt = socket.stateHistory.at(-1)?.timestamp ?? 0
    expect(redials).toBeGreaterThanOrEqual(5)
    expect(fallbackAt).toBeGreaterThan(0)
  })

  test('polling brings messages and the socket comes back by itself', async () => {
    const { network, clock, socket } = start({ reconnect: { maxAttempts: 0 } } as never)
    network.onRequest = request => request.answer({ hello: 1 })
    network.socket().fail()
    await clock.advance(0)
    expect(socket.status).toBe('FALLBACK')
    expect(socket.lastMessage).toEqual({ type: 'snapshot', data: { hello: 1 } })
    await clock.advance(33_000)
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    expect(socket.status).toBe('OPEN')
    socket.close()
    expect(clock.pending()).toBe(0)
    expect(network.page.listeners()).toBe(0)
  })
})
