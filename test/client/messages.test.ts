import { type Delivery, raw } from 'resilient-websocket'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { start } from './support.ts'

const orders = (network: ReturnType<typeof start>['network']): unknown[] =>
  network.sockets
    .flatMap(socket => socket.messages())
    .filter(({ type }) => type === 'order')
    .map(({ data }) => data)

describe('sending', () => {
  test('on a ready, idle link a message leaves at once, with id and timestamp', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    const delivery = socket.send({ type: 'order', data: 1 })
    expect(network.socket().messages()).toEqual([
      { type: 'order', data: 1, timestamp: clock.now(), id: delivery.id },
    ])
    expect(delivery).toMatchObject({ state: 'sent', attempts: 1, reason: undefined })
    expect(await delivery.settled).toBe(delivery)
  })

  test('an id of the application is kept; one that is none is a TypeError', () => {
    const { socket } = start()
    expect(socket.send({ type: 'x', id: 'mine' }).id).toBe('mine')
    expect(() => socket.send({ type: 'x', id: 'x'.repeat(65) })).toThrow(TypeError)
    expect(() => socket.send({ type: 'x', id: '' })).toThrow(TypeError)
  })

  test('what is sent while away waits and leaves once, in order, after the reconnect', async () => {
    const { accept, network, socket, clock } = start()
    for (const data of [1, 2]) socket.send({ type: 'order', data })
    accept()
    network.socket().close(1006)
    for (const data of [3, 4]) socket.send({ type: 'order', data })
    expect(socket.getSnapshot().queued).toBe(2)
    await clock.advance(4000)
    accept()
    expect(orders(network)).toEqual([1, 2, 3, 4])
    expect(socket.getSnapshot().queued).toBe(0)
  })

  test('a thousand queued messages do not trip a limit of 50 a second, and all arrive in order', async () => {
    const { network, socket, clock } = start()
    for (let data = 0; data < 1000; data++) socket.send({ type: 'order', data })
    network.socket().open()
    network
      .socket()
      .receive({ type: 'connection', data: { rateLimit: { limit: 50, perMs: 1000 } } })
    // The server's side: a bucket of 50 that fills at 50 a second.
    let tokens = 50
    let seen = 0
    let refused = 0
    for (let elapsed = 0; elapsed < 30_000; elapsed += 5) {
      await clock.advance(5)
      tokens = Math.min(50, tokens + 0.25)
      for (; seen < network.socket().sent.length; seen++) {
        if (tokens >= 1) tokens--
        else refused++
      }
    }
    expect(refused).toBe(0)
    expect(orders(network)).toEqual(Array.from({ length: 1000 }, (_, index) => index))
  })

  test('a lower rate of the server counts', async () => {
    const { network, socket, clock } = start()
    for (let data = 0; data < 100; data++) socket.send({ type: 'order', data })
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { rateLimit: { limit: 5, perMs: 1000 } } })
    expect(orders(network)).toHaveLength(5)
    await clock.advance(10_000)
    expect(orders(network)).toHaveLength(55)
  })

  test('RATE_LIMITED pauses for as long as the server asks', async () => {
    const { accept, network, socket, clock, errors } = start()
    accept()
    network.socket().receive({
      type: 'error',
      data: { code: 'RATE_LIMITED', message: 'slow', retryAfterMs: 3000 },
    })
    socket.send({ type: 'order', data: 1 })
    await clock.advance(2999)
    expect(orders(network)).toEqual([])
    await clock.advance(1)
    expect(orders(network)).toEqual([1])
    expect(errors).toEqual(['slow'])
  })

  test('a full queue drops the oldest, and says so to everybody', async () => {
    const { socket } = start({ queue: { limit: 2 } })
    const dropped: unknown[] = []
    const settled: string[] = []
    socket.on('drop', ({ message, reason }) => dropped.push([message.data, reason]))
    socket.on('delivery', ({ id, state }) => settled.push(`${id} ${state}`))
    const [first] = [1, 2, 3].map(data => socket.send({ type: 'order', data, id: `o${data}` }))
    expect(dropped).toEqual([[1, 'overflow']])
    expect(settled).toEqual(['o1 rejected'])
    expect(await first?.settled).toMatchObject({ state: 'rejected', reason: 'overflow' })
    expect(socket.getSnapshot().queued).toBe(2)
  })

  test('a queue is bounded by bytes too, and one message alone beyond them drops no other', () => {
    const { socket } = start({ queue: { maxBytes: 300 } })
    const small = socket.send({ type: 'order', data: 'x'.repeat(100) })
    const large = socket.send({ type: 'order', data: 'x'.repeat(400) })
    expect([small.state, large.state, large.reason]).toEqual(['queued', 'rejected', 'overflow'])
    socket.send({ type: 'order', data: 'x'.repeat(100) })
    expect([small.state, small.reason]).toEqual(['rejected', 'overflow'])
  })

  test('urgent messages overtake what was never sent, and are dropped last', () => {
    const { accept, network, socket } = start({ queue: { limit: 3 } })
    socket.send({ type: 'order', data: 'a' })
    socket.send({ type: 'order', data: 'b' }, { priority: 'high' })
    socket.send({ type: 'order', data: 'c' })
    socket.send({ type: 'order', data: 'd' }, { priority: 'high' })
    accept()
    expect(orders(network)).toEqual(['b', 'd', 'c'])
  })

  test('a message that waits longer than its ttlMs is rejected when its time is over', async () => {
    const { socket, clock, accept, network } = start({ fallback: false })
    const delivery = socket.send({ type: 'order', data: 1 }, { ttlMs: 3000 })
    await clock.advance(2999)
    expect(delivery.state).toBe('queued')
    await clock.advance(1)
    expect(delivery).toMatchObject({ state: 'rejected', reason: 'expired' })
    accept()
    expect(orders(network)).toEqual([])
  })

  test('a signal takes back what has not left, and leaves what has', () => {
    const { accept, socket, network } = start()
    const controller = new AbortController()
    const queued = socket.send({ type: 'order', data: 1 }, { signal: controller.signal })
    controller.abort()
    expect(queued).toMatchObject({ state: 'rejected', reason: 'expired' })
    accept()
    const later = new AbortController()
    const sent = socket.send({ type: 'order', data: 2 }, { signal: later.signal })
    later.abort()
    expect(sent.state).toBe('sent')
    expect(orders(network)).toEqual([2])
    expect(socket.send({ type: 'order' }, { signal: later.signal }).state).toBe('rejected')
  })

  test.each([
    ['a cycle', () => Object.assign({ type: 'x' }, { data: {} as Record<string, unknown> }), true],
    ['a BigInt', () => ({ type: 'x', data: 1n }), false],
    ['no type', () => ({ data: 1 }), false],
    ['an empty type', () => ({ type: '' }), false],
    ['a string', () => 'x', false],
    ['null', () => null, false],
  ])('what can never be sent throws a TypeError at the call: %s', (_, make, cycle) => {
    const { socket } = start()
    const message = make() as { type: string; data: Record<string, unknown> }
    if (cycle) message.data['self'] = message
    expect(() => socket.send(message)).toThrow(TypeError)
    expect(socket.getSnapshot().queued).toBe(0)
  })

  test("beyond the server's maxPayload it throws where that is known, and is rejected where it turns out", () => {
    const { network, socket } = start()
    const early = socket.send({ type: 'order', data: 'x'.repeat(200) })
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { maxPayload: 150 } })
    expect(early).toMatchObject({ state: 'rejected', reason: 'invalid' })
    expect(() => socket.send({ type: 'order', data: 'ü'.repeat(100) })).toThrow(
      /at most 150 bytes, got/,
    )
  })

  test.each([
    [{ ttlMs: -1 }, /send\.ttlMs: expected a number >= 0, got -1/],
    [{ priority: 'urgent' as never }, /send\.priority: expected 'high' or 'normal', got urgent/],
  ])('bad options of send() are named: %j', (options, message) => {
    const { socket } = start()
    expect(() => socket.send({ type: 'x' }, options)).toThrow(message)
  })

  test('nothing is written to a socket that is closing: browsers discard it without a word', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    network.socket().beginClose()
    const delivery: Delivery = socket.send({ type: 'order', data: 1 })
    expect(delivery.state).toBe('queued')
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    expect(orders(network)).toEqual([1])
  })

  test('what the socket has not got rid of is not added to: the rest waits where it is counted', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    network.socket().bufferedAmount = 2_000_000
    const delivery = socket.send({ type: 'order', data: 1 })
    await clock.advance(1000)
    expect(delivery.state).toBe('queued')
    network.socket().bufferedAmount = 0
    await clock.advance(100)
    expect(delivery.state).toBe('sent')
  })
})

describe('receiving', () => {
  test('ten distinct alerts within 150 ms all arrive: one at once, nine together', async () => {
    const { accept, network, socket, clock, messages } = start()
    accept()
    const batches: unknown[][] = []
    socket.on('batch', batch => batches.push(batch.map(({ data }) => data)))
    for (let data = 1; data <= 10; data++) {
      network.socket().receive({ type: 'alert', id: `a${data}`, data })
      await clock.advance(10)
    }
    await clock.advance(150)
    expect(messages.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(batches).toEqual([[1], [2, 3, 4, 5, 6, 7, 8, 9, 10]])
    network.socket().receive({ type: 'alert', data: 11 })
    expect(batches).toHaveLength(2)
    await clock.advance(150)
    expect(batches).toHaveLength(3)
    await clock.advance(150)
    network.socket().receive({ type: 'alert', data: 12 })
    expect(batches[3]).toEqual([12])
  })

  test('batch: false makes each message a batch of one, after its other listeners', () => {
    const { accept, network, socket, clock } = start({ batch: false })
    accept()
    const timers = clock.pending()
    const told: unknown[] = []
    socket.on('batch', batch => told.push(batch.map(({ data }) => data)))
    socket.on('message', ({ data }) => told.push(data))
    socket.subscribe('A', ({ data }) => told.push(`A ${data}`))
    network.socket().receive([1, 2].map(data => ({ type: 'tick', channel: 'A', data })))
    expect(told).toEqual([1, 'A 1', [1], 2, 'A 2', [2]])
    expect(socket.metrics()).toMatchObject({ message: 2, batch: 2 })
    expect(clock.pending()).toBe(timers)
  })

  test('a batch of one is not told of a message whose listener ends the client or names another user', () => {
    for (const act of ['close', 'setIdentity'] as const) {
      const { accept, network, socket } = start({ batch: false })
      accept()
      const batches: unknown[] = []
      socket.on('batch', batch => batches.push(batch))
      socket.on('message', () => socket[act]('another'))
      network.socket().receive({ type: 'tick', data: 1 })
      expect(batches).toHaveLength(act === 'close' ? 1 : 0)
    }
  })

  test('a batch is not held back beyond maxSize, nor when the tab hides or the link ends', async () => {
    const { accept, network, socket } = start({ batch: { maxSize: 3 } })
    accept()
    const batches: [number, string][] = []
    socket.on('batch', batch => batches.push([batch.length, socket.status]))
    const tick = (): void => network.socket().receive({ type: 'tick' })
    for (let count = 0; count < 4; count++) tick()
    expect(batches).toEqual([
      [1, 'OPEN'],
      [3, 'OPEN'],
    ])
    tick()
    network.page.setHidden(true)
    tick()
    network.socket().close(1006)
    expect(batches.slice(2)).toEqual([
      [1, 'OPEN'],
      [1, 'OPEN'],
    ])
  })

  test('conflating keeps the newest of each kind in its place, and everything without a kind', async () => {
    const { accept, network, socket, clock } = start({
      batch: { conflate: ({ type, channel }) => (type === 'quote' ? channel : undefined) },
    })
    accept()
    const batches: unknown[][] = []
    socket.on('batch', batch => batches.push(batch.map(({ data }) => data)))
    const receive = (type: string, data: unknown, channel?: string): void =>
      network.socket().receive({ type, data, channel })
    receive('quote', 0, 'A')
    receive('quote', 1, 'A')
    receive('trade', 't1', 'A')
    receive('quote', 2, 'B')
    receive('quote', 3, 'A')
    receive('trade', 't2', 'A')
    await clock.advance(150)
    expect(batches).toEqual([[0], ['t1', 2, 3, 't2']])
  })

  test('a conflate that throws loses nothing', async () => {
    const { accept, network, socket, clock } = start({
      batch: {
        conflate: () => {
          throw new Error('mine')
        },
      },
    })
    accept()
    let seen = 0
    socket.on('batch', batch => (seen += batch.length))
    for (let count = 0; count < 3; count++) network.socket().receive({ type: 'x' })
    await clock.advance(150)
    expect(seen).toBe(3)
  })

  test('the same id is delivered once, as long as it is remembered', async () => {
    const { accept, network, clock, messages, socket } = start({ dedupe: { size: 2, ttlMs: 1000 } })
    accept()
    for (const id of ['a', 'a', 'b', 'a', 'c', 'b', 'a'])
      network.socket().receive({ type: 'x', id })
    expect(messages.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'a'])
    expect(socket.metrics()['duplicate']).toBe(3)
    await clock.advance(1001)
    network.socket().receive({ type: 'x', id: 'a' })
    expect(messages).toHaveLength(5)
  })

  test('messages without an id are never duplicates, and dedupe: false lets all through', () => {
    const plain = start()
    plain.accept()
    for (let count = 0; count < 2; count++) plain.network.socket().receive({ type: 'x' })
    expect(plain.messages).toHaveLength(2)
    const off = start({ dedupe: false })
    off.accept()
    for (let count = 0; count < 2; count++) off.network.socket().receive({ type: 'x', id: 'a' })
    expect(off.messages).toHaveLength(2)
  })

  test('a schema decides what reaches the application, and may transform it', () => {
    const schema = z.object({ type: z.literal('tick'), data: z.coerce.number() })
    const { accept, network, messages, errors } = start({ schema: schema as never })
    accept()
    network.socket().receive({ type: 'tick', data: '5' })
    network.socket().receive({ type: 'tick', data: 'five' })
    network.socket().receive({ type: 'other' })
    expect(messages).toEqual([{ type: 'tick', data: 5 }])
    expect(errors).toHaveLength(2)
    expect(errors[0]).toContain('schema')
  })

  test('a schema that keeps less than came hides nothing from subscriptions and requests', async () => {
    const schema = z.object({ type: z.string() })
    const { accept, network, socket } = start({ schema: schema as never })
    accept()
    const heard: unknown[] = []
    socket.subscribe('A', message => heard.push(message))
    const answer = socket.request({ type: 'ask', id: 'q' })
    network.socket().receive({ type: 'tick', channel: 'A' })
    network.socket().receive({ type: 'answer', replyTo: 'q' })
    expect(heard).toEqual([{ type: 'tick' }])
    expect(await answer).toEqual({ type: 'answer' })
  })

  test('a message that cannot be logged is delivered', () => {
    const schema = z.object({ type: z.string(), data: z.coerce.bigint() })
    const { accept, network, messages, errors } = start({ schema: schema as never })
    accept()
    network.socket().receive({ type: 'tick', data: '9007199254740993' })
    expect(messages).toEqual([{ type: 'tick', data: 9007199254740993n }])
    expect(errors).toEqual([])
  })

  test('raw() carries frames as they are, both ways', () => {
    const { network, socket } = start({ protocol: raw() as never })
    const heard: unknown[] = []
    socket.on('message', message => heard.push(message))
    network.socket().open()
    const binary = new ArrayBuffer(2)
    network.socket().receive('text')
    network.socket().receive('text')
    network.socket().receive(binary)
    expect(heard).toEqual(['text', 'text', binary])
    socket.send('hello' as never)
    socket.send(binary as never)
    expect(network.socket().sent).toEqual(['hello', binary])
    expect(() => socket.send({ type: 'x' })).toThrow(TypeError)
  })

  test('a listener of one type hears no other, and goes as any does', () => {
    const { accept, network, socket } = start()
    accept()
    const heard: unknown[] = []
    const off = socket.on('message', 'trade', message => heard.push(message))
    socket.on('message', 'trade', () => heard.push('another'))
    network.socket().receive({ type: 'quote', data: 1 })
    network.socket().receive({ type: 'trade', data: 2 })
    off()
    off()
    network.socket().receive({ type: 'trade', data: 3 })
    expect(heard).toEqual([{ type: 'trade', data: 2 }, 'another', 'another'])
  })

  test.each([
    [['message'], /^on\('message'\): expected a listener, got undefined$/],
    [['message', 'trade'], /^on\('message'\): expected a listener, got string$/],
    [['status', 'OPEN', () => {}], /^on\('status'\): expected only 'message' to have a type/],
    [['message', 7, () => {}], /^on\('message'\): .* got number beside the listener$/],
  ])('on(%j) is a TypeError that says what is missing', (given, words) => {
    const { socket } = start()
    const on = socket.on as (...all: unknown[]) => unknown
    expect(() => on(...(given as unknown[]))).toThrow(TypeError)
    expect(() => on(...(given as unknown[]))).toThrow(words)
  })

  test("a prototype's names are names like any other", () => {
    const { accept, network, messages, socket } = start()
    accept()
    const heard: unknown[] = []
    socket.subscribe(['__proto__', 'constructor'], message => heard.push(message.channel))
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      network.socket().receive({ type: name, channel: name, id: name })
    }
    expect(messages).toHaveLength(4)
    expect(heard).toEqual(['constructor', '__proto__'])
  })
})

describe('subscriptions', () => {
  const told = (network: ReturnType<typeof start>['network']): [string, unknown][] =>
    network
      .socket()
      .messages()
      .filter(({ type }) => type === 'subscribe' || type === 'unsubscribe')
      .map(({ type, data }) => [String(type), (data as { channels?: unknown }).channels])

  test.each([[''], [[]], [['A', '']], [[1 as never]]])('subscribe(%j) is refused', channels => {
    const { socket } = start()
    expect(() => socket.subscribe(channels)).toThrow(TypeError)
  })

  test('the server hears of the first and of the last listener of a channel', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    const heard: string[] = []
    const first = socket.subscribe('A', () => heard.push('first'))
    const second = socket.subscribe(['A', 'B'], (_, channel) => heard.push(`second ${channel}`))
    await clock.settle()
    network.socket().receive({ type: 'tick', channel: 'A' })
    network.socket().receive({ type: 'tick', channel: 'B' })
    network.socket().receive({ type: 'tick', channel: 'C' })
    first.unsubscribe()
    first.unsubscribe()
    await clock.settle()
    network.socket().receive({ type: 'tick', channel: 'A' })
    second.unsubscribe()
    await clock.settle()
    expect(heard).toEqual(['first', 'second A', 'second B', 'second A'])
    expect(told(network)).toEqual([
      ['subscribe', ['A', 'B']],
      ['unsubscribe', ['A', 'B']],
    ])
  })

  test('a listener that another one ends with the same message, or gap, hears no more of it', async () => {
    const { accept, network, socket, clock } = start({ reconnect: { initialDelayMs: 10 } })
    accept()
    await clock.settle()
    const heard: string[] = []
    const end = (): void => second.unsubscribe()
    socket.subscribe('A', () => heard.push('first'), { onGap: () => heard.push('gap') })
    const ender = socket.subscribe('A', end, { onGap: end })
    let second = socket.subscribe('A', () => heard.push('second'))
    network.socket().receive({ type: 'tick', channel: 'A' })
    expect(heard).toEqual(['first'])
    second = socket.subscribe('A', () => {}, { onGap: () => heard.push('second gap') })
    network.socket().close(1006)
    await clock.advance(1000)
    accept()
    expect(heard).toEqual(['first', 'gap'])
    ender.unsubscribe()
  })

  test('what comes and goes in one turn is not told: a component that remounts costs no frame', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    socket.subscribe('A')
    await clock.settle()
    const again = socket.subscribe('B')
    again.unsubscribe()
    await clock.settle()
    expect(told(network)).toEqual([['subscribe', ['A']]])
  })

  test('all are told again on every link, in chunks, before the queue', async () => {
    const { accept, network, socket, clock } = start()
    const names = Array.from({ length: 250 }, (_, index) => `C${index}`)
    socket.subscribe(names)
    socket.send({ type: 'order' })
    accept()
    network.socket().close(1006)
    socket.send({ type: 'order' })
    await clock.advance(4000)
    accept()
    const types = network
      .socket()
      .messages()
      .map(({ type }) => type)
    expect(types).toEqual(['subscribe', 'subscribe', 'subscribe', 'order'])
    expect(told(network).flatMap(([, channels]) => channels)).toEqual(names)
  })

  test('one sent by hand is remembered, in the words of the application', async () => {
    const { accept, network, socket, clock } = start()
    accept()
    socket.send({ type: 'subscribe', data: { symbols: ['A', 'B'] } })
    await clock.settle()
    network.socket().close(1006)
    socket.send({ type: 'unsubscribe', data: { symbols: ['B'] } })
    await clock.advance(4000)
    accept()
    const [first] = network.socket().messages()
    expect(first).toMatchObject({ type: 'subscribe', data: { symbols: ['A'] } })
  })

  test('ready resolves when the server was asked, and rejects if it never will be', async () => {
    const { accept, socket, clock } = start()
    const subscription = socket.subscribe('A')
    let done = false
    const ready = subscription.ready.then(() => {
      done = true
    })
    await clock.settle()
    expect(done).toBe(false)
    accept()
    await ready
    socket.disconnect()
    const never = socket.subscribe('B')
    const rejected = never.ready.catch(error => error.code)
    socket.close()
    expect(await rejected).toBe('CLOSED')
  })

  test('is an async iterable that ends with it, and says what a slow reader misses', async () => {
    const { accept, network, socket } = start()
    accept()
    const gaps: unknown[] = []
    socket.on('gap', gap => gaps.push(gap))
    const subscription = socket.subscribe('A', undefined, { bufferSize: 2 })
    const read: unknown[] = []
    const reading = (async () => {
      for await (const { data } of subscription) read.push(data)
    })()
    for (let data = 1; data <= 4; data++)
      network.socket().receive({ type: 'tick', channel: 'A', data })
    subscription.unsubscribe()
    await reading
    expect(read).toEqual([3, 4])
    expect(gaps).toEqual([{ channel: 'A', reason: 'overflow' }])
  })

  test('each iteration reads what comes from its beginning on', async () => {
    const { accept, network, socket } = start()
    accept()
    const subscription = socket.subscribe('A')
    const tick = (data: number) =>
      network.socket().receive({ type: 'tick', channel: 'A', data }) as undefined
    const first = subscription[Symbol.asyncIterator]()
    const second = subscription[Symbol.asyncIterator]()
    const reads = [first.next(), second.next()]
    tick(1)
    tick(2)
    expect((await Promise.all(reads)).map(({ value }) => value.data)).toEqual([1, 1])
    await first.return?.()
    tick(3)
    const third = subscription[Symbol.asyncIterator]()
    const read = third.next()
    tick(4)
    expect((await read).value.data).toBe(4)
    expect((await second.next()).value.data).toBe(2)
    expect((await second.next()).value.data).toBe(3)
  })

  test.each([[[]], [''], [7], [['A', 7]]])('%j is no channel', channels => {
    const { socket } = start()
    expect(() => socket.subscribe(channels as never)).toThrow(/^subscribe: expected a channel/)
  })
})

describe('requests', () => {
  test('resolve with the message that answers them', async () => {
    const { accept, network, socket } = start()
    accept()
    const answer = socket.request({ type: 'ask', id: 'q' })
    network.socket().receive({ type: 'other', replyTo: 'x' })
    network.socket().receive({ type: 'answer', replyTo: 'q', data: 42 })
    expect(await answer).toMatchObject({ data: 42 })
  })

  test.each([
    [
      'an error of the server',
      ({ network }: ReturnType<typeof start>) =>
        network
          .socket()
          .receive({ type: 'error', data: { code: 'FORBIDDEN', message: 'no', id: 'q' } }),
      'FORBIDDEN',
    ],
    [
      'no answer in time',
      ({ clock }: ReturnType<typeof start>) => void clock.advance(10_000),
      'TIMEOUT',
    ],
    ['the end of the client', ({ socket }: ReturnType<typeof start>) => socket.close(), 'CLOSED'],
  ])('reject after %s', async (_, act, code) => {
    const story = start()
    story.accept()
    const answer = story.socket.request({ type: 'ask', id: 'q' }).catch(error => error.code)
    act(story)
    expect(await answer).toBe(code)
    story.socket.close()
    expect(story.clock.pending()).toBe(0)
  })

  test('reject where the message is not sent, and for what can never be sent', async () => {
    const { socket } = start({ queue: { limit: 0 } })
    await expect(socket.request({ type: 'ask' })).rejects.toMatchObject({ code: 'NOT_SENT' })
    await expect(socket.request('x' as never)).rejects.toBeInstanceOf(TypeError)
  })
})

describe('requests with a signal', () => {
  test.each(['answered', 'aborted'])('leave no listener on it, %s', async end => {
    const { accept, network, socket } = start()
    accept()
    const controller = new AbortController()
    const { signal } = controller
    const left: unknown[] = []
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (type: string, listener: never) => {
      left.push(listener)
      add(type, listener)
    }
    signal.removeEventListener = (type: string, listener: never) => {
      if (left.includes(listener)) left.splice(left.indexOf(listener), 1)
      remove(type, listener)
    }
    const answer = socket.request({ type: 'ask', id: 'q' }, { signal }).catch(error => error)
    if (end === 'answered') network.socket().receive({ type: 'answer', replyTo: 'q' })
    else controller.abort('enough')
    expect(await answer).toEqual(end === 'answered' ? { type: 'answer', replyTo: 'q' } : 'enough')
    expect(left).toEqual([])
  })

  test('a timeout that is none is refused', async () => {
    const { socket } = start()
    await expect(socket.request({ type: 'ask' }, { timeoutMs: Number.NaN })).rejects.toThrow(
      /^request.timeoutMs: expected a number >= 0, got NaN$/,
    )
  })
})

describe('who the user is', () => {
  test('another identity sends nothing of the one before, and reconnects', async () => {
    const { accept, network, socket, clock } = start()
    socket.setIdentity('ann')
    accept()
    network.socket().receive({ type: 'tick', id: 'one' })
    network.socket().close(1006)
    const queued = socket.send({ type: 'order', data: 'of ann' })
    await clock.advance(4000)
    network.socket().open()
    socket.setIdentity('bob')
    expect(queued).toMatchObject({ state: 'rejected', reason: 'identity' })
    expect(socket.lastMessage).toBeNull()
    accept()
    socket.send({ type: 'order', data: 'of bob' })
    expect(orders(network)).toEqual(['of bob'])
    expect(socket.stateHistory.some(({ reason }) => reason === 'Identity changed')).toBe(true)
  })

  test('the first identity before the first connection only says who it is', () => {
    const { accept, network, socket } = start()
    socket.send({ type: 'order', data: 1 })
    socket.setIdentity('ann')
    accept()
    expect(orders(network)).toEqual([1])
    expect(network.sockets).toHaveLength(1)
  })

  test('a token goes first, in a message and never in the URL; a fresh one without reconnecting', async () => {
    const { accept, network, socket, clock } = start({ token: async () => 'secret' })
    await clock.settle()
    socket.send({ type: 'order' })
    accept()
    expect(network.socket().messages()).toMatchObject([
      { type: 'auth', data: { token: 'secret' } },
      { type: 'order' },
    ])
    expect(network.socket().url).not.toContain('secret')
    socket.setToken('fresh')
    expect(network.socket().messages().at(-1)).toMatchObject({
      type: 'auth',
      data: { token: 'fresh' },
    })
    expect(network.sockets).toHaveLength(1)
    expect(() => socket.setToken('')).toThrow(/setToken: expected/)
  })
})

test('on a plain server every reopening says that messages may have been missed', async () => {
  const { accept, network, socket, clock } = start()
  const gaps: unknown[] = []
  socket.on('gap', gap => gaps.push(gap))
  accept()
  expect(gaps).toEqual([])
  network.socket().close(1006)
  await clock.advance(4000)
  accept()
  expect(gaps).toEqual([{ reason: 'reconnected' }])
})

test('two clients share nothing', () => {
  const [one, two] = [start(), start()]
  one.accept()
  one.network.socket().receive({ type: 'x', id: 'same' })
  two.accept()
  two.network.socket().receive({ type: 'x', id: 'same' })
  expect([one.messages.length, two.messages.length]).toEqual([1, 1])
  one.socket.close()
  expect(two.socket.status).toBe('OPEN')
})

test('metrics count what happened', async () => {
  const { accept, network, socket } = start()
  accept()
  network.socket().receive({ type: 'x', id: 'a' })
  network.socket().receive({ type: 'x', id: 'a' })
  socket.send({ type: 'y' })
  expect(socket.metrics()).toMatchObject({
    message: 1,
    duplicate: 1,
    sent: 1,
    open: 1,
    batch: 1,
    queued: 0,
  })
})

describe('listeners that call back in', () => {
  test('close() in a message listener leaves no timer', async () => {
    const { accept, network, clock, socket } = start()
    accept()
    socket.on('message', () => socket.close())
    network.socket().receive({ type: 'x' })
    expect(clock.pending()).toBe(0)
  })

  test('a message whose listener closes the client is in the last batch', async () => {
    const { accept, network, clock, socket } = start()
    accept()
    const batches: unknown[][] = []
    socket.on('batch', messages => batches.push(messages.map(({ data }) => data)))
    socket.on('message', ({ type }) => type === 'bye' && socket.close())
    network.socket().receive({ type: 'x', data: 1 })
    network.socket().receive({ type: 'x', data: 2 })
    network.socket().receive({ type: 'bye', data: 3 })
    await clock.settle()
    expect(batches).toEqual([[1], [2], [3]])
    expect(clock.pending()).toBe(0)
  })

  test.each(['change', 'message', 'first subscriber'])(
    'whoever says in a listener (%s) that the user is another one ends the message there',
    async where => {
      const { accept, network, clock, socket } = start()
      accept()
      network.socket().receive({ type: 'x', channel: 'A', data: 'first' })
      const heard: unknown[] = []
      const renew = (at: string) => (): void => {
        if (at === where) socket.setIdentity('bob')
      }
      socket.subscribe('A', renew('first subscriber'))
      socket.subscribe('A', ({ data }) => heard.push('subscriber', data))
      socket.on('batch', messages => heard.push(...messages.map(({ data }) => data)))
      socket.onChange(renew('change'))
      socket.on('message', renew('message'))
      socket.on('message', () => heard.push('message'))
      network.socket().receive({ type: 'x', channel: 'A', data: 'of alice' })
      await clock.advance(1000)
      // The `message` event comes before the subscribers hear of it.
      expect(heard).toEqual(where === 'first subscriber' ? ['message'] : [])
    },
  )

  test('close() in a delivery listener leaves no timer', async () => {
    const { clock, socket } = start()
    socket.on('delivery', () => socket.close())
    socket.send({ type: 'x' }, { ttlMs: 1000 })
    await clock.advance(1000)
    expect(clock.pending()).toBe(0)
  })

  test('what a listener takes back while another expires is settled once', async () => {
    const { clock, socket } = start()
    const abort = new AbortController()
    const settled: string[] = []
    socket.on('delivery', ({ id }) => {
      settled.push(id)
      abort.abort()
    })
    for (const id of ['1', '2']) {
      socket.send({ type: 'x', id }, { ttlMs: 1000, signal: abort.signal })
    }
    await clock.advance(1000)
    expect(settled).toEqual(['1', '2'])
    expect(socket.getSnapshot().queued).toBe(0)
  })

  test('one that throws something unspeakable starves no other', async () => {
    const { accept, network, socket } = start()
    accept()
    const thrown = vi.fn()
    vi.stubGlobal('reportError', thrown)
    const heard = vi.fn()
    socket.on('message', () => {
      throw Symbol('no words')
    })
    socket.on('message', heard)
    network.socket().receive({ type: 'x' })
    expect(heard).toHaveBeenCalledOnce()
    await Promise.resolve()
    expect(thrown).toHaveBeenCalledOnce()
    vi.unstubAllGlobals()
  })
})

describe('what can be sent', () => {
  test('a message that may not wait leaves if it can, and expires if it cannot', async () => {
    const { accept, network, socket } = start()
    const early = socket.send({ type: 'early' }, { ttlMs: 0 })
    expect(early).toMatchObject({ state: 'rejected', reason: 'expired' })
    accept()
    expect(socket.send({ type: 'now' }, { ttlMs: 0 }).state).toBe('sent')
    expect(network.socket().messages()).toMatchObject([{ type: 'now' }])
  })

  test('data that JSON cannot hold is a TypeError', () => {
    const { socket } = start()
    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const throwing = {
      toJSON() {
        throw new RangeError('no')
      },
    }
    for (const data of [() => {}, Symbol('x'), 10n, circular, throwing]) {
      expect(() => socket.send({ type: 'x', data })).toThrow(TypeError)
      expect(() => socket.send({ type: 'x', data })).toThrow(/^send: expected data that JSON can/)
    }
  })

  test('a request that is taken back rejects with the reason of its signal, sent or not', async () => {
    const { accept, socket } = start()
    const reasons = [new Error('before'), new Error('queued'), new Error('sent')]
    const before = socket.request({ type: 'x' }, { signal: AbortSignal.abort(reasons[0]) })
    await expect(before).rejects.toBe(reasons[0])
    const queued = new AbortController()
    const waits = socket.request({ type: 'x' }, { signal: queued.signal })
    queued.abort(reasons[1])
    await expect(waits).rejects.toBe(reasons[1])
    accept()
    const sent = new AbortController()
    const asked = socket.request({ type: 'x' }, { signal: sent.signal })
    sent.abort(reasons[2])
    await expect(asked).rejects.toBe(reasons[2])
  })
})

describe('channels by hand', () => {
  const heard = ({ network }: ReturnType<typeof start>): unknown[] =>
    network
      .socket()
      .messages()
      .filter(({ type }) => /subscribe/.test(`${type}`))
      .map(({ type, data }) => [type, Object.values(data as object)[0]])

  test('the server hears them once, by that message, and again on the next link', async () => {
    const story = start()
    const { accept, network, socket, clock } = story
    accept()
    socket.send({ type: 'subscribe', data: { symbols: ['A'] } })
    await clock.settle()
    expect(heard(story)).toEqual([['subscribe', ['A']]])
    network.socket().close(1006)
    await clock.advance(4000)
    accept()
    expect(heard(story)).toEqual([['subscribe', ['A']]])
    socket.send({ type: 'unsubscribe', data: { symbols: ['A'] } })
    await clock.settle()
    expect(heard(story)).toEqual([
      ['subscribe', ['A']],
      ['unsubscribe', ['A']],
    ])
  })

  test('one that was sent before the link opened goes out once', async () => {
    const story = start()
    story.socket.send({ type: 'subscribe', data: { channels: ['A'] } })
    await story.clock.settle()
    story.accept()
    await story.clock.settle()
    expect(heard(story)).toEqual([['subscribe', ['A']]])
  })

  test('a channel that is left by hand while others listen is told again', async () => {
    const story = start()
    story.accept()
    const messages = story.socket.subscribe('A')
    await messages.ready
    story.socket.send({ type: 'unsubscribe', data: { channels: ['A'] } })
    await story.clock.settle()
    expect(heard(story)).toEqual([
      ['subscribe', ['A']],
      ['unsubscribe', ['A']],
      ['subscribe', ['A']],
    ])
  })

  test('one that was taken back is not wanted', async () => {
    const story = start()
    const abort = new AbortController()
    story.socket.send({ type: 'subscribe', data: { channels: ['A'] } }, { signal: abort.signal })
    abort.abort()
    story.accept()
    await story.clock.settle()
    expect(heard(story)).toEqual([])
  })

  test('a subscription to a channel that the server was told by hand is ready', async () => {
    const story = start()
    story.accept()
    story.socket.send({ type: 'subscribe', data: { channels: ['A'] } })
    await expect(story.socket.subscribe('A').ready).resolves.toBeUndefined()
  })

  test('many channels go in frames that a small server takes', async () => {
    const story = start()
    const { network, socket, clock } = story
    const names = Array.from({ length: 100 }, (_, index) => `channel-${index}-${'x'.repeat(20)}`)
    socket.subscribe(names)
    await clock.settle()
    network.socket().open()
    network.socket().receive({ type: 'connection', data: { maxPayload: 1024 } })
    const frames = network.socket().sent as string[]
    expect(frames.every(frame => frame.length <= 1024)).toBe(true)
    expect(heard(story).flatMap(each => (each as [string, string[]])[1])).toEqual(names)
  })
})

describe('another user', () => {
  test('set before anything was sent, but after a server heard of us, reconnects', async () => {
    const { network, socket, clock } = start()
    network.socket().open()
    socket.setIdentity('bob')
    await clock.settle()
    expect(network.sockets).toHaveLength(2)
  })

  test('hears no batch of the one before', async () => {
    const { network, clock, socket } = start({
      reconnect: { maxAttempts: 0 },
      fallback: { parse: () => [1, 2].map(data => ({ type: 'x', data })) },
    })
    const batches: (readonly unknown[])[] = []
    socket.on('batch', batch => batches.push(batch))
    network.socket().fail()
    await clock.settle()
    network.request().answer({})
    await clock.settle()
    network.onDial = () => {}
    socket.setIdentity('bob')
    const before = batches.length
    await clock.advance(1000)
    expect(batches).toHaveLength(before)
    expect(batches.flat()).toHaveLength(2)
  })
})
