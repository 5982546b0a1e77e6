import {
  createResilientWebSocket,
  type Delivery,
  type IncomingEnvelope,
  isResilientWebSocketError,
  type ResilientWebSocket,
  type ResilientWebSocketError,
  raw,
  type Snapshot,
  type StateChange,
  type Status,
} from 'resilient-websocket'
import { createServer, MemoryBroker } from 'resilient-websocket/server'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { expectTypeOf, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'

interface Tick {
  readonly type: 'tick'
  readonly data: number
}
interface Order {
  readonly type: 'order'
  readonly data: { readonly symbol: string }
}

test('without type arguments, messages are envelopes', () => {
  const socket = createResilientWebSocket()
  expectTypeOf(socket.lastMessage).toEqualTypeOf<IncomingEnvelope | null>()
  socket.on('message', message => expectTypeOf(message.type).toEqualTypeOf<string>())
  expectTypeOf(socket.send({ type: 'x', data: 1 })).toEqualTypeOf<Delivery>()
  // @ts-expect-error: an envelope has a type
  socket.send({ data: 1 })
})

test('type arguments say what comes and goes', () => {
  const socket = createResilientWebSocket<Tick, Order>()
  expectTypeOf(socket).toEqualTypeOf<ResilientWebSocket<Tick, Order>>()
  socket.on('message', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>())
  socket.on('batch', batch => expectTypeOf(batch).toEqualTypeOf<readonly Tick[]>())
  socket.on('drop', ({ message }) => expectTypeOf(message).toEqualTypeOf<Order>())
  socket.subscribe('A', ({ data }) => expectTypeOf(data).toEqualTypeOf<number>())
  expectTypeOf(socket.request({ type: 'order', data: { symbol: 'A' } })).toEqualTypeOf<
    Promise<Tick>
  >()
  // @ts-expect-error: not an order
  socket.send({ type: 'tick', data: 1 })
})

test('messages can be narrowed by their type', () => {
  interface Fill {
    readonly type: 'fill' | 'partial'
    readonly data: { readonly quantity: number }
  }
  const socket = createResilientWebSocket<Tick | Fill, Order>()
  socket.on('message', 'tick', message => expectTypeOf(message).toEqualTypeOf<Tick>())
  socket.on('message', 'fill', message => {
    expectTypeOf(message.type).toEqualTypeOf<'fill'>()
    expectTypeOf(message.data.quantity).toEqualTypeOf<number>()
  })
  expectTypeOf(socket.on('message', 'tick', () => {})).toEqualTypeOf<() => void>()
  // @ts-expect-error: no message has this type
  socket.on('message', 'tock', () => {})
  // @ts-expect-error: only messages have types
  socket.on('status', 'OPEN', () => {})
  // @ts-expect-error: not what a tick is
  socket.on('message', 'tick', (message: Fill) => message)

  const plain = createResilientWebSocket()
  plain.on('message', 'trade', message => {
    expectTypeOf(message).toExtend<IncomingEnvelope>()
    expectTypeOf(message.type).toEqualTypeOf<'trade'>()
  })
  const frames = createResilientWebSocket({ protocol: raw() })
  // @ts-expect-error: frames have no type
  frames.on('message', 'trade', () => {})
})

test('events have their payloads, and others are none', () => {
  const socket = createResilientWebSocket()
  socket.on('status', change => expectTypeOf(change).toEqualTypeOf<StateChange>())
  socket.on('error', error => expectTypeOf(error).toEqualTypeOf<ResilientWebSocketError>())
  socket.on('close', ({ code }) => expectTypeOf(code).toEqualTypeOf<number>())
  socket.on('latency', ms => expectTypeOf(ms).toEqualTypeOf<number>())
  expectTypeOf(socket.on('open', () => {})).toEqualTypeOf<() => void>()
  // @ts-expect-error: no such event
  socket.on('opened', () => {})
})

test('what is shown is read-only', () => {
  const socket = createResilientWebSocket()
  expectTypeOf(socket.status).toEqualTypeOf<Status>()
  expectTypeOf(socket.getSnapshot()).toEqualTypeOf<Snapshot<IncomingEnvelope>>()
  // @ts-expect-error: read-only
  socket.status = 'OPEN'
  // @ts-expect-error: read-only
  socket.getSnapshot().attempt = 5
  // @ts-expect-error: read-only
  socket.stateHistory.push({ from: 'OPEN', to: 'CLOSED', timestamp: 0 })
})

test('options know their names and kinds', () => {
  createResilientWebSocket({
    url: async () => new URL('ws://a.test'),
    reconnect: { when: ({ code }) => (code === 4000 ? 500 : undefined) },
    fallback: false,
    environment: { WebSocket },
    schema: z.object({ type: z.string() }),
  })
  createResilientWebSocket({ protocol: raw() }).send('text')
  createResilientWebSocket({ environment: createFakeNetwork().environment })
  // @ts-expect-error: no such option
  createResilientWebSocket({ reconect: {} })
  // @ts-expect-error: a number
  createResilientWebSocket({ reconnect: { factor: '2' } })
  // @ts-expect-error: it cannot be on
  createResilientWebSocket({ heartbeat: true })
})

test('an unknown error is narrowed', () => {
  const thrown: unknown = new Error('any')
  if (isResilientWebSocketError(thrown)) expectTypeOf(thrown.code).toBeString()
})

test('the server says what it takes', () => {
  const server = createServer({
    broker: new MemoryBroker({ historySize: 10 }),
    authenticate: async ({ token }) => (token ? { user: token } : null),
    onMessage: async ({ type }, client) => ({ type, data: client.user }),
  })
  expectTypeOf(server.publish('A', { type: 't' })).resolves.toHaveProperty('epoch')
  server.on('message', ({ type }, { id }) => {
    expectTypeOf(type).toEqualTypeOf<string>()
    expectTypeOf(id).toEqualTypeOf<string>()
  })
  // @ts-expect-error: a message has a type
  server.publish('A', { data: 1 })
})
