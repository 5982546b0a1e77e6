/** What one input may cost, how it is counted, and that its fields are what they seem. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nodeEnvironment } from '../../src/server/environment.ts'
import type { ServerOptions } from '../../src/server/index.ts'
import { connect, type Peer, type RunningServer, startServer } from './support.ts'

let now = 0

beforeEach(() => {
  now = 0
  vi.spyOn(nodeEnvironment, 'monotonicNow').mockImplementation(() => now)
})
afterEach(() => void vi.restoreAllMocks())

const start = async (options: ServerOptions = {}) => {
  const asked: string[] = []
  const handled: Record<string, unknown>[] = []
  const server = await startServer({
    authorize: (_user, _action, channel) => {
      asked.push(channel)
      return !`${channel}`.startsWith('secret')
    },
    onMessage: message => void handled.push({ ...message }),
    ...options,
  })
  return { server, asked, handled }
}

const codes = (peer: Peer): unknown[] => peer.all('error').map(({ data }) => data['code'])

let reads = 0

/** Everything that was sent so far has been read. */
const read = async ({ socket }: Peer): Promise<void> => {
  const name = `read-${++reads}`
  socket.ping(name)
  await new Promise<void>(resolve => {
    const heard = (data: Buffer): void => {
      if (String(data) !== name) return
      socket.off('pong', heard)
      resolve()
    }
    socket.on('pong', heard)
  })
}

const get = (server: RunningServer, query: string, token?: string): Promise<Response> =>
  fetch(`${server.http}/api/market/snapshot${query}`, {
    ...(token && { headers: { authorization: `Bearer ${token}` } }),
  })

const post = (server: RunningServer, body: unknown): Promise<Response> =>
  fetch(`${server.http}/api/market/snapshot`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const names = (count: number, prefix = 'C'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

describe('one message with thousands of names', () => {
  const MANY: readonly [name: string, channels: unknown, code: string, calls: number][] = [
    ['no names', names(6000, 'C '), 'UNKNOWN_CHANNEL', 0],
    ['no strings', Array(15_000).fill(7), 'UNKNOWN_CHANNEL', 0],
    ['objects', Array.from({ length: 3000 }, () => ({ toString: 1 })), 'UNKNOWN_CHANNEL', 0],
    ['all forbidden', names(4000, 'secret'), 'FORBIDDEN', 1000],
    ['too many', names(6000), 'FORBIDDEN', 1000],
  ]

  test.each(MANY)('%s: one error, and few questions to the application', async (_, ...given) => {
    const [channels, code, calls] = given
    const { server, asked } = await start({ rateLimit: false })
    for (const type of ['subscribe', 'hello']) {
      asked.length = 0
      const peer = await connect(server.url)
      const frame = JSON.stringify({ type, id: 'it', data: { sid: 'sid', gen: 1, channels } })
      expect(frame.length).toBeLessThan(65_536)
      peer.send(frame)
      await peer.next(type === 'hello' ? 'welcome' : 'subscribed')
      expect(peer.all('error')).toMatchObject([{ data: { code, id: 'it' } }])
      // A hello that names channels in a list, too, is read.
      expect(asked).toHaveLength(calls)
    }
  })

  test('the good ones are joined, and the error says how many more were not', async () => {
    const { server } = await start()
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', id: 'it', data: { channels: ['A', 'a b', 7, 'secret', 'B'] } })
    const { data } = await peer.next('subscribed')
    expect(Object.keys(data['channels'] as object)).toEqual(['A', 'B'])
    expect(peer.all('error').map(({ data }) => data)).toEqual([
      {
        code: 'UNKNOWN_CHANNEL',
        id: 'it',
        message: expect.stringMatching(/printable characters.*2 more channels/),
      },
    ])
  })

  test('unsubscribe: one error for all wrong names, the others are left, and the connection lives', async () => {
    const { server } = await start()
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', data: { channels: ['A', 'B'] } })
    peer.send({
      type: 'unsubscribe',
      id: 'it',
      data: { channels: [{ toString: 1 }, 'A', ['B'], null, 7, 'x y'] },
    })
    expect((await peer.next('unsubscribed')).data).toEqual({ channels: ['A'] })
    expect(peer.all('error')).toMatchObject([{ data: { code: 'UNKNOWN_CHANNEL', id: 'it' } }])
    expect(peer.socket.readyState).toBe(peer.socket.OPEN)
  })

  test('the answer is not longer than what it answers', async () => {
    const { server } = await start({ rateLimit: false })
    const peer = await connect(server.url)
    await peer.next('connection')
    let bytes = 0
    peer.socket.on('message', data => {
      bytes += String(data).length
    })
    for (const channels of [names(6000, 'C '), Array(15_000).fill(7), names(4000, 'secret')]) {
      bytes = 0
      const frame = JSON.stringify({ type: 'subscribe', data: { channels } })
      peer.send(frame)
      await read(peer)
      await expect.poll(() => bytes).toBeGreaterThan(0)
      expect(bytes).toBeLessThan(frame.length / 50)
    }
  })
})

describe('the rate limit', () => {
  const rateLimit = { limit: 10, perMs: 1000 }

  test.each([
    ['subscribe', 1, 9],
    ['subscribe', 100, 9],
    ['subscribe', 101, 8],
    ['subscribe', 901, 0],
    ['unsubscribe', 450, 5],
    ['hello', 1000, 0],
  ])('%s with %i names leaves %i of 10', async (type, count, left) => {
    const { server, handled } = await start({ rateLimit })
    const peer = await connect(server.url)
    peer.send({ type, data: { sid: 'sid', gen: 1, channels: names(count) } })
    for (let index = 0; index < 12; index++) peer.send({ type: 'order' })
    await expect.poll(() => handled.length).toBe(left)
    await read(peer)
    expect(handled).toHaveLength(left)
    expect(codes(peer)).toEqual(['RATE_LIMITED'])
  })

  test('positions by name count as names in a list do', async () => {
    const { server, handled } = await start({ rateLimit })
    const peer = await connect(server.url)
    const channels = Object.fromEntries(names(850).map(name => [name, null]))
    peer.send({ type: 'subscribe', data: { channels } })
    for (let index = 0; index < 12; index++) peer.send({ type: 'order' })
    await read(peer)
    await expect.poll(() => handled.length).toBe(1)
  })

  test('a subscribe over the rate is refused whole, before any work', async () => {
    const { server, asked } = await start({ rateLimit })
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', data: { channels: names(1000) } })
    await peer.next('subscribed')
    asked.length = 0
    peer.send({ type: 'subscribe', id: 'refused', data: { channels: ['A'] } })
    expect((await peer.next('error')).data).toMatchObject({ code: 'RATE_LIMITED', id: 'refused' })
    expect(asked).toEqual([])
  })

  test('empty arrays count, and without end they close with 1013', async () => {
    const { server, handled } = await start({ rateLimit })
    const peer = await connect(server.url)
    for (let index = 0; index < 10; index++) peer.send('[]')
    peer.send({ type: 'order' })
    expect((await peer.next('error')).data).toMatchObject({ code: 'RATE_LIMITED' })
    expect(handled).toEqual([])
    for (let index = 0; index < 501; index++) peer.send('[]')
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('pongs are free up to ten a second, by message and by frame together', async () => {
    const { server, handled } = await start({ rateLimit })
    const peer = await connect(server.url)
    for (let index = 0; index < 5; index++) {
      peer.send({ type: 'pong' })
      peer.socket.pong()
    }
    // Of these each counts as a message.
    for (let index = 0; index < 4; index++) {
      peer.send({ type: 'pong' })
      peer.socket.pong()
    }
    for (let index = 0; index < 5; index++) peer.send({ type: 'order' })
    await read(peer)
    await expect.poll(() => handled.length).toBe(2)
    expect(codes(peer)).toEqual(['RATE_LIMITED'])
    now += 1000
    for (let index = 0; index < 10; index++) peer.send({ type: 'pong' })
    for (let index = 0; index < 10; index++) peer.send({ type: 'order' })
    await expect.poll(() => handled.length).toBe(12)
  })

  test('a server that asks more often gets as many free pongs as it asks for', async () => {
    const heartbeat = { intervalMs: 100, timeoutMs: 10_000 }
    const { server, handled } = await start({ rateLimit, heartbeat })
    const peer = await connect(server.url)
    for (let index = 0; index < 30; index++) peer.send({ type: 'pong' })
    for (let index = 0; index < 10; index++) peer.send({ type: 'order' })
    await expect.poll(() => handled.length).toBe(10)
  })

  test.each([
    ['pong messages', (peer: Peer) => peer.send({ type: 'pong' })],
    ['pong frames', (peer: Peer) => peer.socket.pong()],
    ['ping frames', (peer: Peer) => peer.socket.ping()],
  ])('%s without end close with 1013', async (_, send) => {
    const { server } = await start({ rateLimit })
    const peer = await connect(server.url)
    // In parts: the library below ends whoever leaves too many answers unread.
    for (let part = 0; part < 13; part++) {
      for (let index = 0; index < 50; index++) send(peer)
      await Promise.race([read(peer), peer.closed])
    }
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('what piles up behind a slow handler is told once a second', async () => {
    const { server } = await start({ rateLimit: false, onMessage: () => new Promise(() => {}) })
    const peer = await connect(server.url)
    const flood = async (): Promise<void> => {
      for (let index = 0; index < 3; index++) peer.send(Array(600).fill({ type: 'order' }))
      await read(peer)
    }
    await flood()
    expect(codes(peer)).toEqual(['RATE_LIMITED'])
    now += 1000
    await flood()
    expect(codes(peer)).toEqual(['RATE_LIMITED', 'RATE_LIMITED'])
  })
})

describe('a GET', () => {
  const rateLimit = { limit: 3, perMs: 1000 }

  test.each([
    [1, 3],
    [100, 3],
    [101, 2],
    [201, 1],
    [1000, 1],
  ])('for %i channels passes %i times where 3 may pass in a second', async (count, passed) => {
    const { server, asked } = await start({ rateLimit })
    const symbols = `?symbols=${names(count).join()}`
    const answers: number[] = []
    for (let index = 0; index < 4; index++) {
      const response = await get(server, symbols)
      answers.push(response.status)
      if (response.status === 429) {
        expect(response.headers.get('retry-after')).toBe('1')
        expect(await response.json()).toEqual({ error: expect.any(String) })
      }
    }
    expect(answers.filter(status => status === 200)).toHaveLength(passed)
    expect(answers.filter(status => status === 429)).toHaveLength(4 - passed)
    expect(asked).toHaveLength(passed * count)
    now += 1000
    expect((await get(server, symbols)).status).toBe(200)
  })

  test('for all channels counts as many as there are', async () => {
    const { server } = await start({ rateLimit })
    for (const name of names(201)) await server.publish(name, { type: 'tick' })
    expect((await get(server, '')).status).toBe(200)
    expect((await get(server, '')).status).toBe(429)
    // One more may pass, and counts for three all the same.
    now += 400
    expect((await get(server, '')).status).toBe(200)
    now += 900
    expect((await get(server, '')).status).toBe(429)
  })

  test('counts for its user where there are users, else for its address', async () => {
    const { server } = await start({
      rateLimit,
      authenticate: ({ token }) => ({ user: token }),
    })
    const symbols = `?symbols=${names(300).join()}`
    expect((await get(server, symbols, 'ann')).status).toBe(200)
    expect((await get(server, symbols, 'ann')).status).toBe(429)
    expect((await get(server, symbols, 'bob')).status).toBe(200)
  })

  test.each(['symbols', 'since'])('with more than 1000 %s is 400, before any work', async name => {
    const { server, asked } = await start({ rateLimit: false })
    const response = await get(
      server,
      `?symbols=A&${name}=${names(1001).join()}`.replace(
        name === 'symbols' ? 'symbols=A&' : '',
        '',
      ),
    )
    expect(response.status).toBe(400)
    expect((await response.json()).error).toContain(`${name}: expected at most 1000`)
    expect(asked).toEqual([])
  })

  test.each([
    ['one item of colons', `A${':'.repeat(15_000)}`],
    ['a long name with colons', 'a:'.repeat(7500)],
    [
      'many items of colons',
      Array(900)
        .fill(`A${':'.repeat(14)}`)
        .join(),
    ],
  ])('with a since of %s looks up no more than a few characters for each', async (_, since) => {
    const { server } = await start({ rateLimit: false })
    await server.publish('A', { type: 'tick' })
    let characters = 0
    const { set } = Map.prototype
    vi.spyOn(Map.prototype, 'set').mockImplementation(function (
      this: Map<unknown, unknown>,
      key: unknown,
      value: unknown,
    ) {
      if (typeof key === 'string') characters += key.length
      return Reflect.apply(set, this, [key, value])
    })
    const response = await get(server, `?symbols=A&since=${since}`)
    vi.mocked(Map.prototype.set).mockRestore()
    expect(response.status).toBe(200)
    expect(characters).toBeLessThan(since.length * 2)
    const { channels } = await response.json()
    expect(channels.A.recovered).toBe(since.startsWith('a'))
  })

  test('with a position that is none of a channel with colons tells that channel of a gap', async () => {
    const { server } = await start()
    for (const name of ['a', 'a:b', 'a:b:c']) await server.publish(name, { type: 'tick' })
    const response = await get(server, '?symbols=a,a:b,a:b:c&since=a:b:nowhere:x')
    const { channels } = await response.json()
    const recovered = Object.fromEntries(
      Object.entries(channels).map(([name, verdict]) => [
        name,
        (verdict as { recovered: boolean }).recovered,
      ]),
    )
    expect(recovered).toEqual({ a: false, 'a:b': false, 'a:b:c': true })
  })
})

describe('a POST', () => {
  const rateLimit = { limit: 3, perMs: 1000 }

  test('that is none counts for its address', async () => {
    const { server } = await start({ rateLimit })
    const answers: number[] = []
    for (let index = 0; index < 4; index++) answers.push((await post(server, { no: 1 })).status)
    expect(answers).toEqual([400, 400, 400, 429])
  })

  test('without messages counts as one, and over the rate it asks the store nothing', async () => {
    const { server } = await start({ rateLimit })
    const { tok } = await (await post(server, { sid: 'sid', gen: 1 })).json()
    const answers: number[] = []
    for (let index = 0; index < 4; index++) {
      answers.push((await post(server, { sid: 'sid', tok, gen: 1 })).status)
    }
    expect(answers).toEqual([200, 200, 200, 429])
  })

  test('with messages counts them singly, and learns its ack also over the rate', async () => {
    const { server, handled } = await start({ rateLimit })
    const { tok } = await (await post(server, { sid: 'sid', gen: 1 })).json()
    const messages = Array.from({ length: 5 }, (_, index) => ({ type: 'order', seq: index + 1 }))
    const body = { sid: 'sid', tok, gen: 1, messages }
    for (let time = 0; time < 2; time++) {
      expect(await (await post(server, body)).json()).toMatchObject({ ack: 3, retryAfterMs: 1000 })
    }
    expect(handled).toHaveLength(3)
  })

  test('over the rate without end is answered 429', async () => {
    const { server } = await start({ rateLimit })
    const { tok } = await (await post(server, { sid: 'sid', gen: 1 })).json()
    const body = { sid: 'sid', tok, gen: 1, messages: [{ type: 'order', seq: 1 }] }
    const answers = new Set<number>()
    for (let index = 0; index < 503; index++) answers.add((await post(server, body)).status)
    expect([...answers]).toEqual([200])
    expect((await post(server, body)).status).toBe(429)
  })
})

describe('the fields of a message', () => {
  const WRONG: readonly unknown[] = [
    ['secret'],
    { toString: 1 },
    7,
    true,
    null,
    '',
    'a b',
    'x'.repeat(129),
  ]

  test.each(WRONG)(
    'a channel that is %j is refused, and nobody is asked about it',
    async channel => {
      const { server, asked, handled } = await start()
      const peer = await connect(server.url)
      peer.send({ type: 'order', channel })
      expect((await peer.next('error')).data).toMatchObject({
        code: 'BAD_MESSAGE',
        message: expect.stringMatching(/^channel: expected/),
      })
      peer.send({ type: 'hello', data: { sid: 'sid', gen: 1 } })
      const { tok } = (await peer.next('welcome')).data
      peer.send([
        { type: 'order', seq: 1, channel },
        { type: 'order', seq: 2, channel: 'good' },
      ])
      expect((await peer.next('nack')).data).toMatchObject({ seq: 1, code: 'BAD_MESSAGE' })
      const messages = [{ type: 'order', seq: 3, channel }]
      expect(
        await (await post(server, { sid: 'sid', tok, gen: 1, messages })).json(),
      ).toMatchObject({
        ack: 3,
        refused: [{ seq: 1 }, { seq: 3, code: 'BAD_MESSAGE' }],
      })
      expect(asked).toEqual(['good'])
      expect(handled).toMatchObject([{ channel: 'good' }])
    },
  )

  test('a handler gets no timestamp, offset or replyTo that is of another type', async () => {
    const { server, handled } = await start()
    const peer = await connect(server.url)
    const right = { timestamp: 1, offset: 2, replyTo: 'id' }
    peer.send({ type: 'order', data: 1, ...right })
    peer.send({ type: 'order', data: 2, timestamp: '1', offset: { a: 1 }, replyTo: ['id'] })
    await expect.poll(() => handled.length).toBe(2)
    expect(handled).toEqual([
      { type: 'order', data: 1, ...right },
      { type: 'order', data: 2 },
    ])
  })
})
