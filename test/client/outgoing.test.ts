import { createResilientWebSocket, raw } from 'resilient-websocket'
import { createFakeNetwork, type FakeNetwork } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'
import { sequence, startV1 } from './v1-support.ts'

const startRaw = () => {
  const network = createFakeNetwork()
  const socket = createResilientWebSocket({
    environment: network.environment,
    protocol: raw(),
    fallback: false,
    heartbeat: false,
  })
  return { network, socket }
}

const bytesOf = (frame: unknown): number[] => [
  ...(ArrayBuffer.isView(frame)
    ? new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength)
    : new Uint8Array(frame as ArrayBuffer)),
]

describe('binary', () => {
  const shared = (): Uint8Array<SharedArrayBuffer> => new Uint8Array(new SharedArrayBuffer(2))

  test.each([
    ['a view', new Uint8Array(2), (view: Uint8Array) => view],
    ['a buffer', new Uint8Array(2), (view: Uint8Array) => view.buffer as ArrayBuffer],
    ['a part of a buffer', new Uint8Array(8), (view: Uint8Array) => view.subarray(0, 2)],
    ['a DataView', new Uint8Array(2), (view: Uint8Array) => new DataView(view.buffer)],
    ['a Buffer of Node', Buffer.from([0, 0]), (view: Uint8Array) => view],
    ['a view of shared memory', shared(), (view: Uint8Array) => view],
  ])('%s that is filled anew is sent as it was at each send()', (_name, view, message) => {
    const { network, socket } = startRaw()
    for (const byte of [1, 2, 3]) {
      view[0] = byte
      socket.send(message(view))
    }
    network.socket().open()
    expect(network.socket().sent.map(bytesOf)).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
    ])
    const notShared = (frame: unknown): boolean =>
      !(((frame as Uint8Array).buffer ?? frame) instanceof SharedArrayBuffer)
    expect(network.socket().sent.every(notShared)).toBe(true)
  })

  test.each([
    ['a buffer', (buffer: ArrayBuffer) => buffer],
    ['a view', (buffer: ArrayBuffer) => new Uint8Array(buffer)],
  ])('%s that was transferred before is a TypeError, and holds up nothing', (_name, make) => {
    const { network, socket } = startRaw()
    const buffer = new ArrayBuffer(2)
    const message = make(buffer)
    structuredClone(buffer, { transfer: [buffer] })
    expect(() => socket.send(message)).toThrow(TypeError)
    expect(() => socket.send(message)).toThrow(/^send: expected binary data .*detached/)
    socket.send('next')
    network.socket().open()
    expect(network.socket().sent).toEqual(['next'])
  })

  test('what is transferred after send() is sent all the same', () => {
    const { network, socket } = startRaw()
    const { buffer } = Uint8Array.of(1, 2)
    socket.send(buffer)
    structuredClone(buffer, { transfer: [buffer] })
    network.socket().open()
    expect(network.socket().sent.map(bytesOf)).toEqual([[1, 2]])
  })
})

describe('a frame that a live socket refuses', () => {
  /** Sockets throw for what says `poison`. */
  const poisoned = (network: FakeNetwork) => {
    const Plain = network.environment.WebSocket as NonNullable<
      FakeNetwork['environment']['WebSocket']
    >
    return class extends Plain {
      override send(data: string): void {
        if (data.includes('poison')) throw new TypeError('poison is not for me')
        super.send(data)
      }
    }
  }

  test('is invalid, tells why, and blocks nothing', async () => {
    const network = createFakeNetwork()
    const environment = { ...network.environment, WebSocket: poisoned(network) }
    const socket = createResilientWebSocket({ environment, fallback: false })
    const errors: unknown[] = []
    socket.on('error', ({ code, message }) => errors.push([code, message]))
    const poison = socket.send({ type: 'poison' })
    const next = socket.send({ type: 'next' })
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    expect(poison).toMatchObject({ state: 'rejected', reason: 'invalid', attempts: 0 })
    expect(next.state).toBe('sent')
    expect(errors).toEqual([['NOT_SENT', 'poison is not for me']])
    await network.clock.advance(1000)
    expect(network.socket().messages()).toMatchObject([{ type: 'next' }])
  })

  test('leaves its place to a skip where it was joined with others, which all arrive in order', async () => {
    const network = createFakeNetwork()
    const environment = { ...network.environment, WebSocket: poisoned(network) }
    const socket = createResilientWebSocket({ environment, fallback: false })
    const errors: string[] = []
    socket.on('error', ({ message }) => errors.push(message))
    const types = ['a', 'poison', 'b', 'poison', 'c']
    const deliveries = types.map(type => socket.send({ type }))
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    network.socket().receive({ type: 'welcome', data: { tok: 't', ack: 0, channels: {} } })
    expect(sequence(network.socket())).toEqual(['1 a', '2 skip', '3 b', '4 skip', '5 c'])
    network.socket().receive({ type: 'ack', data: { seq: 5 } })
    expect(deliveries.map(({ state, reason }) => reason ?? state)).toEqual([
      'acked',
      'invalid',
      'acked',
      'invalid',
      'acked',
    ])
    expect(errors).toEqual(['poison is not for me', 'poison is not for me'])
  })

  test('and asks for a channel is given up; what comes behind it goes', async () => {
    const network = createFakeNetwork()
    const environment = { ...network.environment, WebSocket: poisoned(network) }
    const socket = createResilientWebSocket({ environment, fallback: false })
    const errors: string[] = []
    socket.on('error', ({ message }) => errors.push(message))
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    socket.subscribe('poison')
    await network.clock.settle()
    socket.send({ type: 'next' })
    expect(network.socket().messages()).toMatchObject([{ type: 'next' }])
    expect(errors).toEqual(['poison is not for me'])
  })

  test('whose refusal makes a listener close the client leaves nothing', async () => {
    const network = createFakeNetwork()
    const environment = { ...network.environment, WebSocket: poisoned(network) }
    const socket = createResilientWebSocket({ environment, fallback: false })
    socket.on('drop', () => socket.close())
    const deliveries = ['a', 'poison', 'b'].map(type => socket.send({ type }))
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { protocol: 1 } })
    network.socket().receive({ type: 'welcome', data: { tok: 't', ack: 0, channels: {} } })
    expect(deliveries.map(({ state, reason }) => reason ?? state)).toEqual([
      'unknown',
      'invalid',
      'unknown',
    ])
    expect(network.clock.pending()).toBe(0)
  })
})

class Order {
  reads = 0
  get type() {
    this.reads++
    return 'order'
  }
  get data() {
    this.reads++
    return { symbol: 'AAPL' }
  }
  get id() {
    this.reads++
    return 'mine'
  }
}

describe('what goes out is what was checked', () => {
  const sent = (message: object): Record<string, unknown> | undefined => {
    const { accept, network, socket } = start()
    accept()
    socket.send(message as never)
    return network.socket().messages()[0]
  }

  test('a class with getters is sent with them, each read once', () => {
    const order = new Order()
    expect(sent(order)).toMatchObject({ type: 'order', data: { symbol: 'AAPL' }, id: 'mine' })
    expect(order.reads).toBe(3)
  })

  test('toJSON() counts, and what it gives is read once', () => {
    let calls = 0
    const message = {
      type: 'other',
      data: 'other',
      toJSON() {
        calls++
        return { type: 'order', id: 'mine', data: calls }
      },
    }
    expect(sent(message)).toMatchObject({ type: 'order', id: 'mine', data: 1 })
    expect(sent(message)).not.toHaveProperty('toJSON')
  })

  test.each([
    ['text', "got 'text' from its toJSON()"],
    [[{ type: 'x' }], 'got an array from its toJSON()'],
    [null, 'got null from its toJSON()'],
    [{ data: 1 }, 'got type undefined'],
    [{ type: 7 }, 'got type 7'],
  ])(
    'toJSON() that gives %j is a TypeError, and the messages beside it arrive',
    async (given, words) => {
      const story = startV1()
      for (const type of ['a', 'b']) story.socket.send({ type })
      const message = { type: 'order', toJSON: () => given }
      expect(() => story.socket.send(message)).toThrow(TypeError)
      expect(() => story.socket.send(message)).toThrow(words)
      story.socket.send({ type: 'c' })
      await story.agree()
      expect(sequence(story.network.socket())).toEqual(['1 a', '2 b', '3 c'])
    },
  )

  test.each([
    [['a'], 'an array'],
    ['text', "'text'"],
    [null, 'null'],
    [undefined, 'undefined'],
  ])('%j is no message', (message, words) => {
    const { socket } = start()
    expect(() => socket.send(message as never)).toThrow(
      `send: expected { type: string, data }, got ${words}; use raw() for other frames`,
    )
  })

  test.each([
    [7, '7'],
    [null, 'null'],
    [{}, 'an object'],
  ])('the id %j is a TypeError', (id, words) => {
    const { socket } = start()
    expect(() => socket.send({ type: 'x', id: id as never })).toThrow(TypeError)
    expect(() => socket.send({ type: 'x', id: id as never })).toThrow(
      `send: expected an id that is a string, got ${words}`,
    )
  })

  test.each([
    [
      'a getter that throws',
      {
        get type(): string {
          throw new RangeError('no')
        },
      },
    ],
    ['data whose toJSON() gives nothing', { type: 'x', data: { toJSON: () => undefined } }],
    ['data whose toJSON() gives a function', { type: 'x', data: { toJSON: () => () => {} } }],
  ])('%s is a TypeError', (_name, message) => {
    const { socket } = start()
    expect(() => socket.send(message as never)).toThrow(TypeError)
    expect(() => socket.send(message as never)).toThrow(/^send: expected data that JSON can hold/)
  })

  test('a timestamp that is undefined is one that is missing', () => {
    expect(sent({ type: 'x', timestamp: undefined })).toHaveProperty(
      'timestamp',
      expect.any(Number),
    )
    expect(sent({ type: 'x', timestamp: 5 })).toHaveProperty('timestamp', 5)
  })

  test('channels by hand are those that the server reads', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    const data = { channels: ['wrong'], toJSON: () => ({ channels: ['right'] }) }
    socket.send({ type: 'subscribe', data })
    await clock.settle()
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    expect(network.socket().messages()).toMatchObject([
      { type: 'subscribe', data: { channels: ['right'] } },
    ])
  })
})

describe("an application's own seq", () => {
  const message = { type: 'order', 1: 'one', seq: { of: 'mine' }, data: { seq: 9 } }

  test('goes out on a plain server', () => {
    const { accept, log, network, socket } = start()
    accept()
    socket.send(message)
    expect(network.socket().messages()[0]).toMatchObject(message)
    expect(log.filter(line => line.startsWith('warn'))).toEqual([])
  })

  test("is replaced by the session's on protocol v1, with one warning", async () => {
    const story = startV1()
    await story.agree()
    for (let count = 0; count < 3; count++) story.socket.send(message)
    await story.clock.settle()
    const frames = story.network.socket().messages().slice(-3)
    expect(frames).toMatchObject(
      [1, 2, 3].map(seq => ({ seq, type: 'order', 1: 'one', data: { seq: 9 } })),
    )
    expect(`${story.network.socket().sent.at(-1)}`).not.toContain('mine')
    const warnings = story.log.filter(line => line.startsWith('warn'))
    expect(warnings).toEqual([expect.stringContaining('seq')])
  })
})
