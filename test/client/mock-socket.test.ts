import { Server, WebSocket } from 'mock-socket'
import { createResilientWebSocket, type WebSocketConstructor } from 'resilient-websocket'
import { expect, test } from 'vitest'

test('the WebSocket of mock-socket, which applications use in their tests, is as good as any', async () => {
  const url = 'ws://mock.test/ws'
  const server = new Server(url)
  server.on('connection', socket => {
    socket.send(JSON.stringify({ type: 'connection', data: {} }))
    socket.on('message', text => {
      const { id, data } = JSON.parse(String(text))
      socket.send(JSON.stringify({ type: 'answer', data, replyTo: id }))
    })
  })
  const client = createResilientWebSocket({
    url,
    environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
    reconnect: { initialDelayMs: 1 },
  })
  expect((await client.request({ type: 'ask', data: 1 })).data).toBe(1)
  const reopened = new Promise(resolve => client.on('open', () => resolve(client.status)))
  for (const socket of server.clients())
    socket.close({ code: 1011, reason: 'gone', wasClean: false })
  expect(await reopened).toBe('OPEN')
  expect((await client.request({ type: 'ask', data: 2 })).data).toBe(2)
  client.close()
  server.stop()
})
