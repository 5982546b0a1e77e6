import { createVirtualClock, type VirtualClock } from 'resilient-websocket/testing'
import { describe, expect, test } from 'vitest'
import { createHub } from '../../src/server/hub.ts'
import { MemoryBroker, type ServerOptions } from '../../src/server/index.ts'
import { resolveServerOptions } from '../../src/server/options.ts'
import { connect, startServer } from './support.ts'

type Message = Record<string, unknown> & { data: Record<string, unknown> }

/** The server on a virtual clock, and one client whose socket takes nothing until it is told to. */
const startSlow = async (options: ServerOptions, clock: VirtualClock = createVirtualClock()) => {
  const broker = new MemoryBroker({ now: clock.now })
  const hub = createHub({
    settings: resolveServerOptions(options),
    broker,
    environment: { ...clock, random: () => 0 },
    onMessage() {},
  })
  await broker.attach(hub.deliver)
  const heard: Message[] = []
  const ends: unknown[] = []
  let open = true
  let stuck = false
  let bufferedAmount = 0
  const unwritten: (() => void)[] = []
  const connection = hub.connect(
    {
      get bufferedAmount() {
        return bufferedAmount
      },
      isOpen: () => open,
      send(frame, onWritten) {
        heard.push(...[JSON.parse(String(frame))].flat())
        if (!stuck) return onWritten?.()
        bufferedAmount += frame.length
        if (onWritten) unwritten.push(onWritten)
      },
      ping() {},
      close(code) {
        open = false
        ends.push(code)
      },
      terminate: () => void ends.push('terminated'),
    },
    { address: 'far', identity: null, authenticate: async () => null },
  )
  return {
    clock,
    broker,
    hub,
    connection,
    heard,
    ends,
    say: async (message: unknown) => {
      connection.received(JSON.stringify(message), 1)
      await clock.settle()
    },
    stick() {
      stuck = true
    },
    /** The client has read so much of it that so many bytes are left. */
    reads(left = 0) {
      bufferedAmount = left
      for (const onWritten of unwritten.splice(0)) onWritten()
    },
    offsets: (channel: string) =>
      heard
        .filter(({ channel: name, offset }) => name === channel && offset !== undefined)
        .map(({ offset }) => offset),
    publish: async (channel: string, count: number, length = 100) => {
      let epoch = ''
      for (let index = 0; index < count; index++) {
        ;({ epoch } = await broker.publish(channel, { type: 'tick', data: 'x'.repeat(length) }))
      }
      return epoch
    },
  }
}

const hello = (channels: Record<string, unknown>) => ({
  type: 'hello',
  data: { sid: 'a-client-that-reads-slowly', gen: 1, channels },
})

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('a client that does not read is closed with 1013, and terminated 5 s later if it does not answer', async () => {
  const slow = await startSlow({ maxBufferedBytes: 1000 })
  await slow.say({ type: 'subscribe', data: { channels: ['A'] } })
  slow.stick()
  await slow.publish('A', 30)
  // So far it had no time to read.
  expect(slow.ends).toEqual([])
  await slow.clock.advance(2000)
  expect(slow.ends).toEqual([1013])
  await slow.clock.advance(4999)
  expect(slow.ends).toEqual([1013])
  await slow.clock.advance(1)
  expect(slow.ends).toEqual([1013, 'terminated'])
})

test('a replay that is larger than the buffer waits for its reader, and live messages wait behind it', async () => {
  const slow = await startSlow({ maxBufferedBytes: 10_000 })
  const epoch = await slow.publish('A', 300)
  slow.stick()
  await slow.say(hello({ A: { epoch, offset: 0 } }))
  for (let round = 0; slow.offsets('A').length < 303 && round < 100; round++) {
    if (round < 3) await slow.publish('A', 1)
    slow.reads()
    await slow.clock.advance(20)
  }
  expect(slow.offsets('A')).toEqual(range(1, 303))
  expect(slow.ends).toEqual([])
  slow.reads()
  await slow.publish('A', 1)
  await slow.clock.advance(20)
  expect(slow.offsets('A').at(-1)).toBe(304)
})

test('who reads nothing of a replay is closed, and who reads slowly is not', async () => {
  const slow = await startSlow({
    maxBufferedBytes: 10_000,
    heartbeat: { intervalMs: 3_600_000 },
  })
  const epoch = await slow.publish('A', 30, 3000)
  slow.stick()
  await slow.say(hello({ A: { epoch, offset: 0 } }))
  await slow.clock.advance(9000)
  slow.reads(5800)
  await slow.clock.advance(9000)
  slow.reads(5400)
  await slow.clock.advance(9000)
  expect(slow.ends).toEqual([])
  await slow.clock.advance(20_000)
  expect(slow.ends).toEqual([1013, 'terminated'])
})

test('on a channel that may be conflated a client that does not read gets a gap and the newest message', async () => {
  const slow = await startSlow({ maxBufferedBytes: 1000, conflate: channel => channel !== 'C' })
  await slow.say(hello({ A: null, B: null }))
  const epoch = await slow.publish('A', 1)
  await slow.clock.advance(20)
  slow.stick()
  await slow.publish('A', 30)
  await slow.clock.advance(20)
  const got = slow.offsets('A').length
  await slow.publish('A', 70)
  await slow.publish('B', 3)
  await slow.clock.advance(20)
  expect(slow.offsets('A')).toEqual(range(1, got))
  slow.heard.length = 0
  for (let round = 0; round < 3; round++) {
    slow.reads()
    await slow.clock.advance(20)
  }
  expect(slow.heard).toMatchObject([
    {
      type: 'subscribed',
      data: {
        channels: { A: { epoch, offset: 100, recovered: false, replayed: 0, reason: 'limit' } },
      },
    },
    { channel: 'A', offset: 101 },
    {
      type: 'subscribed',
      data: { channels: { B: { offset: 2, recovered: false, replayed: 0, reason: 'limit' } } },
    },
    { channel: 'B', offset: 3 },
  ])
  slow.reads()
  await slow.publish('A', 1)
  await slow.clock.advance(20)
  expect(slow.offsets('A')).toEqual([101, 102])
  expect(slow.ends).toEqual([])
})

test('what it asks for once more, or leaves, is not behind any more; other channels still end it', async () => {
  const slow = await startSlow({ maxBufferedBytes: 1000, conflate: channel => channel !== 'C' })
  await slow.say(hello({ A: null, B: null, C: null }))
  slow.stick()
  await slow.publish('B', 20)
  await slow.clock.advance(20)
  await slow.publish('A', 1)
  await slow.publish('B', 1)
  slow.heard.length = 0
  slow.reads()
  await slow.say({ type: 'unsubscribe', data: { channels: ['A'] } })
  slow.reads()
  await slow.clock.advance(20)
  expect(slow.offsets('A')).toEqual([1])
  await slow.publish('C', 20)
  await slow.clock.advance(20)
  await slow.publish('C', 1)
  await slow.clock.advance(2000)
  expect(slow.ends).toEqual([1013])
})

describe('a burst larger than the buffer', () => {
  test.each([
    ['a client of protocol v1', hello({ A: null })],
    ['a plain client', { type: 'subscribe', data: { channels: ['A'] } }],
  ])('reaches %s that reads, whole and in order', async (_, greeting) => {
    const slow = await startSlow({ maxBufferedBytes: 1000, maxPayload: 1000 })
    await slow.say(greeting)
    slow.stick()
    await slow.publish('A', 300)
    // The server itself stood still until now: its first look comes before anybody had time to read.
    await slow.clock.advance(1000)
    for (let round = 0; round < 60; round++) {
      slow.reads()
      await slow.clock.advance(20)
    }
    await slow.publish('A', 1)
    slow.reads()
    await slow.clock.advance(20)
    expect(slow.offsets('A')).toEqual(range(1, 301))
    await slow.clock.advance(20_000)
    slow.connection.ponged()
    expect(slow.ends).toEqual([])
  })

  test('ends a client that reads on, but not what waited for it five seconds before', async () => {
    const slow = await startSlow({ maxBufferedBytes: 10_000, maxPayload: 1000 })
    await slow.say(hello({ A: null }))
    slow.stick()
    await slow.publish('A', 1000)
    // Two until it has taken what waited when the buffer was full, and five more.
    for (let second = 1; second <= 7; second++) {
      expect(slow.ends).toEqual([])
      // Most of what the socket holds, and a tenth of what waits.
      slow.reads(5000)
      await slow.clock.advance(1000)
    }
    expect(slow.ends).toEqual([1013])
  })

  test('of answers to a client that reads too little of them ends it within two seconds', async () => {
    const slow = await startSlow({ maxBufferedBytes: 10_000, rateLimit: false })
    slow.stick()
    for (let count = 0; count < 100; count++) {
      slow.connection.received(JSON.stringify({ type: 'ping', data: 'x'.repeat(1000) }), 1000)
    }
    await slow.clock.advance(999)
    slow.reads(9000)
    await slow.clock.advance(1)
    expect(slow.ends).toEqual([])
    slow.reads(9000)
    await slow.clock.advance(1000)
    expect(slow.ends).toEqual([1013])
  })

  test('of more than 64 buffers ends a client that reads nothing at once, not at the next look', async () => {
    const slow = await startSlow({ maxBufferedBytes: 1000, maxPayload: 1000 })
    await slow.say(hello({ A: null }))
    slow.stick()
    await slow.publish('A', 5, 10_000)
    expect(slow.ends).toEqual([])
    await slow.publish('A', 2, 10_000)
    expect(slow.ends).toEqual([1013])
    const got = slow.heard.length
    await slow.publish('A', 100, 10_000)
    slow.reads()
    expect(slow.heard).toHaveLength(got)
  })

  test.each([true, false])(
    'over a socket, with protocol v1: %s, it closes nobody who reads',
    async v1 => {
      const server = await startServer()
      const peer = await connect(server.url)
      peer.send(v1 ? hello({ A: null }) : { type: 'subscribe', data: { channels: ['A'] } })
      await peer.next(v1 ? 'welcome' : 'subscribed')
      const publication = { type: 'tick', data: 'x'.repeat(8000) }
      await Promise.all(Array.from({ length: 1000 }, () => server.publish('A', publication)))
      await expect.poll(() => peer.all('tick').length, { timeout: 15_000 }).toBe(1000)
      expect(peer.all('tick').map(({ offset }) => offset)).toEqual(range(1, 1000))
      await peer.settled()
    },
  )
})

test('a heartbeat does not end a client that is behind', async () => {
  const slow = await startSlow({ maxBufferedBytes: 1000, conflate: () => true })
  await slow.say(hello({ A: null }))
  slow.stick()
  await slow.publish('A', 30)
  await slow.clock.advance(20)
  await slow.clock.advance(30_000)
  slow.connection.ponged()
  expect(slow.ends).toEqual([])
})

test('another subscribe takes the place of a replay that waits', async () => {
  const slow = await startSlow({ maxBufferedBytes: 10_000 })
  const epoch = await slow.publish('A', 300)
  slow.stick()
  await slow.say(hello({ A: { epoch, offset: 0 } }))
  const got = slow.offsets('A').length
  expect(got).toBeLessThan(300)
  await slow.say({ type: 'subscribe', data: { channels: { A: { epoch, offset: 290 } } } })
  for (let round = 0; round < 20; round++) {
    slow.reads()
    await slow.clock.advance(20)
  }
  expect(slow.offsets('A')).toEqual([...range(1, got), ...range(291, 300)])
})

test('what a client says is handled while its replay waits', async () => {
  const slow = await startSlow({ maxBufferedBytes: 10_000 })
  const epoch = await slow.publish('A', 300)
  slow.stick()
  await slow.say(hello({ A: { epoch, offset: 0 } }))
  await slow.say({ type: 'echo', id: 'e', seq: 1 })
  await slow.clock.advance(20)
  expect(slow.heard.some(({ type }) => type === 'ack')).toBe(true)
})

test('over a socket: eight megabytes that were missed reach a client that reads', async () => {
  const server = await startServer()
  let epoch = ''
  for (let index = 0; index < 1000; index++) {
    ;({ epoch } = await server.publish('A', { type: 'tick', data: 'x'.repeat(8000) }))
  }
  const peer = await connect(server.url)
  peer.send(hello({ A: { epoch, offset: 0 } }))
  await expect.poll(() => peer.all('tick').length, { timeout: 15_000 }).toBe(1000)
  await peer.settled()
})
