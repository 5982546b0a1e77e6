import type { Protocol } from 'resilient-websocket'
import * as everything from 'resilient-websocket'
import {
  createResilientWebSocket,
  json,
  polling,
  raw,
  requests,
  sessions,
  subscriptions,
} from 'resilient-websocket/basic'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'

const V1 = { type: 'connection', data: { protocol: 1, clientId: 'c', message: '', serverTime: 0 } }

describe('the fallback of another server', () => {
  const protocol = (): Protocol<string, string> => ({
    name: 'theirs',
    attach: () => ({ opened: link => link.ready(), receive() {}, encode: message => message }),
  })

  test.each([
    ['polls nothing unless it is given', undefined, 'RECONNECTING'],
    ['polls where it is given', { url: 'http://theirs.test/poll' }, 'FALLBACK'],
  ] as const)('%s', (_name, fallback, status) => {
    const network = createFakeNetwork()
    const socket = everything.createResilientWebSocket({
      environment: network.environment,
      protocol: protocol(),
      reconnect: { maxAttempts: 0 },
      ...(fallback && { fallback }),
    })
    network.socket().close(1006)
    expect(socket.status).toBe(status)
    socket.close()
  })
})

describe('a client of /basic', () => {
  test('sends and receives with raw(), and with json() names messages and drops what comes twice', async () => {
    const { environment, socket: current } = createFakeNetwork()
    const bytes = createResilientWebSocket({ environment, protocol: raw() })
    current().open()
    bytes.send('hello')
    expect(current().sent).toEqual(['hello'])
    bytes.close()

    const network = createFakeNetwork()
    const socket = createResilientWebSocket({ environment: network.environment, protocol: json() })
    const received: unknown[] = []
    socket.on('message', message => received.push(message.data))
    network.socket().open()
    network.socket().receive({ type: 'price', data: 1, id: 'a' })
    network.socket().receive({ type: 'price', data: 1, id: 'a' })
    expect(received).toEqual([1])
    expect(socket.send({ type: 'order' }).state).toBe('sent')
    socket.close()
    expect(network.clock.pending()).toBe(0)
  })

  test('needs a protocol, and says which there are', () => {
    const { environment } = createFakeNetwork()
    expect(() => createResilientWebSocket({ environment } as never)).toThrow(
      new TypeError('protocol: expected json(), raw() or another protocol, got undefined'),
    )
  })

  test('names the part that an option or a method is missing; undefined and false are no error', () => {
    const { environment } = createFakeNetwork()
    const options = { environment, protocol: json(), enabled: false }
    expect(() =>
      createResilientWebSocket({ ...options, fallback: { url: '/x' } } as never),
    ).toThrow(/^fallback: expected polling\(\) in use/)
    expect(() => createResilientWebSocket({ ...options, protocol: json({ version: 1 }) })).toThrow(
      /sessions\(\)/,
    )
    const socket = createResilientWebSocket({ ...options, fallback: false }) as never as ReturnType<
      typeof everything.createResilientWebSocket
    >
    expect(() => socket.subscribe('A')).toThrow(/^subscribe: expected subscriptions\(\) in use/)
    expect(() => socket.request({ type: 'a' })).toThrow(/^request: expected requests\(\) in use/)
    socket.close()
  })

  test('treats every server as a plain one without sessions(), and speaks v1 with it', () => {
    for (const use of [[], [sessions()]]) {
      const network = createFakeNetwork()
      const socket = createResilientWebSocket({
        environment: network.environment,
        protocol: json(),
        use,
      })
      network.socket().open()
      network.socket().receive(V1)
      const types = network
        .socket()
        .messages()
        .map(message => (message as { type: string }).type)
      expect(types).toEqual(use.length ? ['hello'] : [])
      expect(socket.getSnapshot().phase).toBe(use.length ? 'authenticating' : 'ready')
      socket.close()
    }
  })

  test('goes to FALLBACK with polling(), and goes on dialing without it', async () => {
    for (const use of [[], [polling({ intervalMs: 700 })]]) {
      const network = createFakeNetwork()
      const socket = createResilientWebSocket({
        environment: network.environment,
        protocol: json(),
        reconnect: { maxAttempts: 0 },
        use,
      })
      network.socket().close(1006)
      await network.clock.settle()
      expect(socket.status).toBe(use.length ? 'FALLBACK' : 'RECONNECTING')
      expect(network.requests).toHaveLength(use.length)
      socket.close()
      expect(network.clock.pending()).toBe(0)
    }
  })

  test('an option fallback counts before what polling() was given, field by field, and false turns it off', async () => {
    const urls = async (fallback: object | false | undefined): Promise<string[]> => {
      const network = createFakeNetwork()
      const socket = createResilientWebSocket({
        environment: network.environment,
        protocol: json(),
        reconnect: { maxAttempts: 0 },
        fallback: fallback as never,
        use: [polling({ url: 'http://part.test/a', intervalMs: 700 })],
      })
      network.socket().close(1006)
      await network.clock.settle()
      network.requests[0]?.answer({ a: 1 })
      await network.clock.advance(700)
      socket.close()
      return network.requests.map(({ url }) => url)
    }
    expect(await urls(undefined)).toEqual(['http://part.test/a', 'http://part.test/a'])
    expect(await urls({ url: 'http://top.test/b' })).toEqual([
      'http://top.test/b',
      'http://top.test/b',
    ])
    expect(await urls(false)).toEqual([])
  })

  test('has the methods of its parts', async () => {
    const network = createFakeNetwork()
    const socket = createResilientWebSocket({
      environment: network.environment,
      protocol: json(),
      use: [subscriptions(), requests()],
    })
    const prices: unknown[] = []
    socket.subscribe('A', message => prices.push(message.data))
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    network.socket().receive({ type: 'price', channel: 'A', data: 7 })
    expect(prices).toEqual([7])
    const answer = socket.request({ type: 'ask', id: 'q' })
    network.socket().receive({ type: 'answer', replyTo: 'q', data: 'yes' })
    expect(await answer).toMatchObject({ data: 'yes' })
    socket.close()
  })

  test('knows the errors of the main entry, which gives what /basic gives', () => {
    const network = createFakeNetwork()
    const socket = createResilientWebSocket({ environment: network.environment, protocol: json() })
    network.socket().close(4403)
    expect(everything.isResilientWebSocketError(socket.error)).toBe(true)
    expect(socket.error).toBeInstanceOf(everything.ResilientWebSocketError)
    expect(everything.json).toBe(everything.envelope)
    socket.close()
  })
})
