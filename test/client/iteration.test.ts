import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { ChannelGap, Subscription } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import { start } from './support.ts'

type Reading = AsyncIterator<{ readonly data?: unknown }>

const iterate = (subscription: Subscription<{ readonly data?: unknown }>): Reading =>
  subscription[Symbol.asyncIterator]()

const open = (options: Parameters<typeof start>[0] = {}) => {
  const story = start(options)
  story.accept()
  const tick = (...all: unknown[]): void => {
    for (const data of all) story.network.socket().receive({ type: 'tick', channel: 'A', data })
  }
  return { ...story, tick }
}

describe('the end of an iteration', () => {
  test('return() ends a next() that waits', async () => {
    const { socket } = open()
    const iterator = iterate(socket.subscribe('A'))
    const waiting = [iterator.next(), iterator.next()]
    expect(await iterator.return?.()).toEqual({ value: undefined, done: true })
    expect(await Promise.all(waiting)).toEqual(Array(2).fill({ value: undefined, done: true }))
    expect((await iterator.next()).done).toBe(true)
  })

  test('Readable.from(subscription).destroy() closes the stream while it waits', async () => {
    const { socket, tick, clock } = open()
    const subscription = socket.subscribe('A')
    const stream = Readable.from(subscription)
    const first = once(stream, 'data')
    await clock.settle()
    tick('first')
    expect((await first)[0]).toMatchObject({ data: 'first' })
    stream.destroy()
    await once(stream, 'close')
    expect(stream.destroyed).toBe(true)
  })

  test('a break leaves the subscription to others, and nothing behind', async () => {
    const { socket, tick } = open()
    const subscription = socket.subscribe('A', undefined, { bufferSize: 1 })
    const reading = (async () => {
      for await (const { data } of subscription) if (data === 'last') break
    })()
    tick('last')
    await reading
    // Nobody reads: nothing overflows.
    tick(1, 2, 3)
    expect(socket.metrics()['overflow']).toBeUndefined()
    const again = iterate(subscription).next()
    tick('again')
    expect((await again).value).toMatchObject({ data: 'again' })
  })

  test.each(['unsubscribe', 'close'])('%s ends it after what waits', async how => {
    const { socket, tick } = open()
    const subscription = socket.subscribe('A')
    const iterator = iterate(subscription)
    const first = iterator.next()
    tick(1, 2)
    if (how === 'close') socket.close()
    else subscription.unsubscribe()
    expect((await first).value).toMatchObject({ data: 1 })
    expect((await iterator.next()).value).toMatchObject({ data: 2 })
    expect((await iterator.next()).done).toBe(true)
    expect((await iterate(subscription).next()).done).toBe(true)
  })

  test('several next() get one message each, in their order', async () => {
    const { socket, tick } = open()
    const iterator = iterate(socket.subscribe('A'))
    const reads = [iterator.next(), iterator.next(), iterator.next()]
    tick(1, 2, 3)
    const values = (await Promise.all(reads)).map(({ value }) => value.data)
    expect(values).toEqual([1, 2, 3])
  })
})

describe('a reader that is too slow', () => {
  /** Three subscriptions of one channel, and a reader of the second that waits for its first message. */
  const crowd = () => {
    const story = open()
    const told: Record<string, ChannelGap[]> = { client: [], first: [], slow: [], third: [] }
    const listen = (name: string) => (gap: ChannelGap) => void told[name]?.push(gap)
    story.socket.on('gap', gap => void told['client']?.push(gap as ChannelGap))
    story.socket.subscribe('A', () => {}, { onGap: listen('first') })
    const slow = story.socket.subscribe('A', undefined, { bufferSize: 3, onGap: listen('slow') })
    story.socket.subscribe('A', () => {}, { onGap: listen('third') })
    return { ...story, told, iterator: iterate(slow) }
  }

  test('is told of it once, alone, however much it does not read', async () => {
    const { told, iterator, tick } = crowd()
    iterator.next()
    for (let count = 0; count < 1000; count++) tick(count)
    expect(told).toEqual({
      client: [],
      first: [],
      slow: [{ channel: 'A', reason: 'overflow' }],
      third: [],
    })
  })

  test('is told again when it has read on and is too slow again', async () => {
    const { told, iterator, tick } = crowd()
    const first = iterator.next()
    tick(1, 2, 3, 4, 5, 6)
    expect((await first).value).toMatchObject({ data: 4 })
    await iterator.next()
    await iterator.next()
    tick(7, 8, 9, 10, 11)
    expect(told['slow']).toHaveLength(2)
  })

  test('is not told again of what came before it was told', async () => {
    const { told, iterator, tick } = crowd()
    const first = iterator.next()
    tick(1, 2, 3, 4)
    expect((await first).value).toMatchObject({ data: 2 })
    // 3 and 4 were there when it was told: who reloads then misses nothing of them.
    tick(5, 6, 7)
    expect(told['slow']).toHaveLength(1)
  })

  test('is told of each channel that it misses something of', async () => {
    const { accept, network, socket } = start()
    accept()
    const gaps: ChannelGap[] = []
    const subscription = socket.subscribe(['A', 'B'], undefined, {
      bufferSize: 2,
      onGap: gap => gaps.push(gap),
    })
    iterate(subscription).next()
    for (const channel of ['A', 'B', 'B', 'B', 'A', 'A']) {
      network.socket().receive({ type: 'tick', channel })
    }
    expect(gaps.map(({ channel }) => channel)).toEqual(['A', 'B'])
  })

  test('without an onGap of its own it is the gap event of the client that tells, once', async () => {
    const { socket, tick } = open()
    const gaps: unknown[] = []
    socket.on('gap', gap => gaps.push(gap))
    iterate(socket.subscribe('A', undefined, { bufferSize: 1 })).next()
    for (let count = 0; count < 100; count++) tick(count)
    expect(gaps).toEqual([{ channel: 'A', reason: 'overflow' }])
  })
})

describe('bufferSize', () => {
  test.each([
    [Number.NaN, RangeError, 'NaN'],
    [-1, RangeError, '-1'],
    [0, RangeError, '0'],
    [1.5, RangeError, '1.5'],
    [Number.NEGATIVE_INFINITY, RangeError, '-Infinity'],
    ['10', TypeError, 'a string'],
    [null, TypeError, 'null'],
  ])('%s is refused, and nothing is subscribed', async (bufferSize, Kind, shown) => {
    const { socket, network, clock } = open()
    const subscribe = () => socket.subscribe('A', undefined, { bufferSize: bufferSize as number })
    expect(subscribe).toThrow(Kind)
    expect(subscribe).toThrow(`subscribe.bufferSize: expected a whole number >= 1, got ${shown}`)
    await clock.settle()
    expect(network.socket().sent).toEqual([])
  })

  test.each([1, 1000, Number.POSITIVE_INFINITY, undefined])('%s is taken', bufferSize => {
    const { socket } = open()
    socket.subscribe('A', undefined, bufferSize === undefined ? {} : { bufferSize })
  })
})

describe('another user', () => {
  test('reads nothing of what waited for the one before', async () => {
    const { socket, tick, accept, clock } = open()
    socket.setIdentity('alice')
    await clock.settle()
    accept()
    const subscription = socket.subscribe('A')
    const read: unknown[] = []
    const reading = (async () => {
      for await (const { data } of subscription) {
        read.push(data)
        // Reads slower than they come.
        await clock.settle()
      }
    })()
    tick('alice 1', 'alice 2', 'alice 3')
    await Promise.resolve()
    socket.setIdentity('bob')
    await clock.settle()
    const before = [...read]
    accept()
    tick('bob 1')
    for (let turn = 0; turn < 5; turn++) await clock.settle()
    subscription.unsubscribe()
    await reading
    expect(read.slice(before.length)).toEqual(['bob 1'])
  })

  test('nor a message whose own listener says that the user is another one', async () => {
    const { socket, tick, clock } = open()
    const subscription = socket.subscribe('A', () => socket.setIdentity('bob'))
    const first = iterate(subscription).next()
    tick('of alice')
    await clock.settle()
    socket.close()
    expect(await first).toEqual({ value: undefined, done: true })
  })

  test('nor in the turn in which it came, nor what ready kept for it', async () => {
    const { socket, tick, accept, clock } = open()
    socket.setIdentity('alice')
    await clock.settle()
    accept()
    const read: unknown[] = []
    const first = socket.subscribe('A')
    const second = socket.subscribe('A')
    await clock.settle()
    second.ready.catch(() => {})
    const reading = [first, second].map(async (subscription, at) => {
      if (at) await subscription.ready
      for await (const { data } of subscription) read.push(data)
    })
    tick('alice')
    socket.setIdentity('bob')
    await clock.settle()
    accept()
    tick('bob')
    await clock.settle()
    socket.close()
    await Promise.all(reading)
    expect(read).toEqual(['bob', 'bob'])
  })
})
