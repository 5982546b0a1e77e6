import { createServer as createHttpServer } from 'node:http'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { nodeEnvironment } from '../../src/server/environment.ts'
import {
  createServer,
  type Identity,
  MemoryBroker,
  type ServerClient,
  type ServerLogger,
} from '../../src/server/index.ts'
import { connect, refused, startServer } from './support.ts'

afterEach(() => vi.restoreAllMocks())

const recorder = (): { lines: string[]; logger: ServerLogger } => {
  const lines: string[] = []
  const write = (...words: unknown[]): void => void lines.push(words.join(' '))
  return { lines, logger: { debug: write, info: write, warn: write, error: write } }
}

describe('a connection', () => {
  test('is greeted with the terms of the server', async () => {
    const { url } = await startServer({ rateLimit: { limit: 7, perMs: 500 }, maxPayload: 1234 })
    const peer = await connect(url)
    expect((await peer.next('connection')).data).toMatchObject({
      clientId: expect.any(String),
      message: expect.any(String),
      serverTime: expect.any(Number),
      heartbeat: { intervalMs: 30_000, timeoutMs: 10_000 },
      rateLimit: { limit: 7, perMs: 500 },
      maxPayload: 1234,
      authRequired: false,
    })
  })

  test('gets pong for ping and echo for echo, with its data and replyTo', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    peer.send({ type: 'ping', id: 'p1', data: { timestamp: 5 } })
    peer.send({ type: 'echo', id: 'e1', data: [1, { deep: true }] })
    expect(await peer.next('pong')).toMatchObject({ replyTo: 'p1', data: { timestamp: 5 } })
    expect(await peer.next('echo')).toMatchObject({ replyTo: 'e1', data: [1, { deep: true }] })
  })

  test.each([
    ['channels as an array', { channels: ['A', 'B'] }],
    ['channels as an object', { channels: { A: null, B: { epoch: 'x', offset: 1 } } }],
    ['symbols', { symbols: ['A', 'B'] }],
  ])('hears the channels it subscribed to, named as %s, until it leaves them', async (_, data) => {
    const server = await startServer()
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', id: 's', data })
    const { channels } = (await peer.next('subscribed')).data
    expect(Object.keys(channels as object)).toEqual(['A', 'B'])
    expect(channels).toMatchObject({ A: { offset: 0, recovered: true, replayed: 0 } })
    expect(peer.all('subscribed')).toMatchObject([{ replyTo: 's' }])
    await server.publish('A', { type: 'market_data', data: 1 })
    await server.publish('C', { type: 'market_data', data: 2 })
    peer.send({ type: 'unsubscribe', data: { channels: ['A'] } })
    await peer.next('unsubscribed')
    await server.publish('A', { type: 'market_data', data: 3 })
    await server.publish('B', { type: 'market_data', data: 4 })
    await peer.settled()
    expect(
      peer.all('market_data').map(({ data, channel, offset }) => [channel, offset, data]),
    ).toEqual([
      ['A', 1, 1],
      ['B', 1, 4],
    ])
  })

  test('may send several messages in one frame', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    peer.send([
      { type: 'echo', id: 'a' },
      { type: 'echo', id: 'b' },
    ])
    await peer.settled()
    expect(
      peer
        .all('echo')
        .slice(0, 2)
        .map(({ replyTo }) => replyTo),
    ).toEqual(['a', 'b'])
  })

  test('has its messages handled one at a time and in order, and gets the answers', async () => {
    const log: string[] = []
    const { url } = await startServer({
      onMessage: async ({ data }) => {
        log.push(`begin ${data}`)
        await Promise.resolve()
        log.push(`end ${data}`)
        return data === 2 ? undefined : { type: 'done', data }
      },
    })
    const peer = await connect(url)
    for (const data of [1, 2, 3]) peer.send({ type: 'order', id: `o${data}`, data })
    await peer.settled()
    expect(log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3'])
    expect(peer.all('done').map(({ data, replyTo }) => [data, replyTo])).toEqual([
      [1, 'o1'],
      [3, 'o3'],
    ])
  })

  test('is told of a handler that throws, without its words, and lives on', async () => {
    const { lines, logger } = recorder()
    const { url } = await startServer({
      logger,
      onMessage: () => {
        throw new Error('password=secret')
      },
    })
    const peer = await connect(url)
    peer.send({ type: 'order', id: 'o1' })
    expect((await peer.next('error')).data).toMatchObject({ code: 'INTERNAL', id: 'o1' })
    expect(JSON.stringify(peer.heard)).not.toContain('secret')
    expect(lines.join()).toContain('secret')
    await peer.settled()
  })

  test('what a handler or a listener throws, also a promise later, is told as an error, and no more', async () => {
    const server = await startServer({
      onMessage: () => {
        throw new Error('handler')
      },
    })
    const told: string[] = []
    server.on('message', async () => {
      throw new Error('async listener')
    })
    server.on('message', () => {
      throw new Error('listener')
    })
    server.on('error', () => {
      throw new Error('listener of errors')
    })
    server.on('error', ({ message }) => void told.push(message))
    server.on('error', async () => {
      throw new Error('async listener of errors')
    })
    const peer = await connect(server.url)
    peer.send({ type: 'order' })
    await peer.settled()
    expect(told.sort()).toEqual(['async listener', 'handler', 'listener'])
  })

  test('is a client to the application: it is told of its coming, its messages and its going', async () => {
    const server = await startServer()
    const told: unknown[] = []
    server.on('connection', ({ id }) => told.push(['connection', id]))
    server.on('message', ({ type }, { id, user }) => told.push([type, id, user]))
    const gone = new Promise(resolve => server.on('disconnection', ({ id }) => resolve(id)))
    const peer = await connect(server.url)
    const { clientId } = (await peer.next('connection')).data
    peer.send({ type: 'order' })
    await peer.settled()
    peer.socket.close()
    expect(await gone).toBe(clientId)
    expect(told).toEqual([
      ['connection', clientId],
      ['order', clientId, null],
    ])
  })
})

describe('client.close()', () => {
  const meet = async () => {
    const server = await startServer()
    const came = new Promise<ServerClient>(resolve => server.on('connection', resolve))
    const peer = await connect(server.url)
    return { peer, client: await came }
  }

  test.each([
    ['é'.repeat(70), 'é'.repeat(61)],
    ['😀'.repeat(40), '😀'.repeat(30)],
    [`${'x'.repeat(122)}é`, 'x'.repeat(122)],
    ['\ud800'.repeat(50), '\ufffd'.repeat(41)],
    ['short', 'short'],
  ])('cuts a reason between characters: %s', async (given, got) => {
    const { peer, client } = await meet()
    client.close(4000, given)
    expect(await peer.closed).toEqual({ code: 4000, reason: got })
  })

  test.each([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN])(
    '%s is no code, and changes nothing',
    async code => {
      const { peer, client } = await meet()
      expect(() => client.close(code)).toThrow(RangeError)
      expect(() => client.close(code)).toThrow(/close: expected a code of .*, got/)
      await peer.settled()
      client.close()
      expect(await peer.closed).toMatchObject({ code: 1000 })
    },
  )
})

describe('the heartbeat', () => {
  const heartbeat = { intervalMs: 20, timeoutMs: 60 }

  test('a peer that answers by frame alone, as any browser does, stays', async () => {
    const { url } = await startServer({ heartbeat })
    const peer = await connect(url)
    await expect.poll(() => peer.all('ping').length).toBeGreaterThan(6)
    expect(peer.socket.readyState).toBe(peer.socket.OPEN)
  })

  test('a peer that answers by message alone stays', async () => {
    const { url } = await startServer({ heartbeat })
    const peer = await connect(url, { autoPong: false })
    peer.socket.on('message', data => {
      const { type, id } = JSON.parse(String(data))
      if (type === 'ping') peer.send({ type: 'pong', replyTo: id })
    })
    await expect.poll(() => peer.all('ping').length).toBeGreaterThan(6)
    expect(peer.socket.readyState).toBe(peer.socket.OPEN)
  })

  test('a peer that answers neither is terminated', async () => {
    const { url } = await startServer({ heartbeat })
    const peer = await connect(url, { autoPong: false })
    expect(await peer.closed).toMatchObject({ code: 1006 })
  })
})

describe('who may connect', () => {
  const origins = ['https://example.com', ' http://localhost:3000 ']

  test.each([
    ['https://example.com', true],
    ['http://localhost:3000', true],
    ['https://EXAMPLE.com', true],
    ['https://example.com.evil.test', false],
    ['https://evil-example.com', false],
    ['http://example.com', false],
    ['https://example.com:8443', false],
    ['null', false],
  ])('origin %s: %s', async (origin, allowed) => {
    const { lines, logger } = recorder()
    const { url } = await startServer({ allowedOrigins: origins, logger })
    if (allowed) await connect(url, { origin })
    else {
      expect((await refused(url, { origin })).status).toBe(403)
      expect(lines.join('\n')).toContain('Blocked connection from unauthorized origin')
    }
  })

  test('a missing origin is refused unless it is allowed', async () => {
    const strict = await startServer({ allowMissingOrigin: false })
    expect((await refused(strict.url)).status).toBe(403)
  })

  test('an origin with line breaks writes one line into the log', async () => {
    const { lines, logger } = recorder()
    const { port } = await startServer({ logger })
    const { connect: tcp } = await import('node:net')
    const socket = tcp(port, '127.0.0.1')
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: evil\u0085\u2028forged\r\n\r\n',
    )
    await new Promise(resolve => socket.on('close', resolve).resume())
    const blocked = lines.filter(line => line.includes('Blocked'))
    expect(blocked).toHaveLength(1)
    expect(blocked[0]).not.toMatch(/[\r\n\u0085\u2028]/)
  })

  test('beyond the limits it is 503 in all and 429 for one address, with Retry-After', async () => {
    const full = await startServer({ maxConnections: 1 })
    await connect(full.url)
    expect(await refused(full.url)).toMatchObject({
      status: 503,
      headers: { 'retry-after': expect.any(String) },
    })
    const narrow = await startServer({ maxConnectionsPerAddress: 1 })
    const peer = await connect(narrow.url)
    expect((await refused(narrow.url)).status).toBe(429)
    peer.socket.close()
    await expect.poll(() => narrow.connections()).toBe(0)
    await connect(narrow.url)
  })

  test('another path is no WebSocket', async () => {
    const { port } = await startServer()
    expect((await refused(`ws://127.0.0.1:${port}/other`)).status).toBe(404)
  })
})

describe('authentication', () => {
  const users: Record<string, Identity> = {
    good: { user: 'ann' },
    fresh: { user: 'ann' },
    other: { user: 'bob' },
  }
  const authenticate = async ({ token }: { token: string }): Promise<Identity | null> =>
    Object.hasOwn(users, token) ? (users[token] ?? null) : null

  test('messages before `auth` are refused, those sent right behind it are not', async () => {
    const { url } = await startServer({
      authenticate,
      onMessage: (_, { user }) => ({ type: 'hi', data: user }),
    })
    const peer = await connect(url)
    expect((await peer.next('connection')).data).toMatchObject({ authRequired: true })
    peer.send({ type: 'order', id: 'early' })
    peer.send({ type: 'auth', data: { token: 'good' } })
    peer.send({ type: 'order', id: 'late' })
    await peer.settled()
    expect(peer.all('error').map(({ data }) => [data['code'], data['id']])).toEqual([
      ['UNAUTHORIZED', 'early'],
    ])
    expect(peer.all('hi').map(({ data, replyTo }) => [data, replyTo])).toEqual([['ann', 'late']])
  })

  test('a bad token closes with 4401', async () => {
    const { url } = await startServer({ authenticate })
    const peer = await connect(url)
    peer.send({ type: 'auth', data: { token: 'bad' } })
    expect(await peer.closed).toMatchObject({ code: 4401 })
  })

  test('a token in the header is checked before the upgrade', async () => {
    const { url } = await startServer({ authenticate })
    expect((await refused(url, { headers: { authorization: 'Bearer bad' } })).status).toBe(401)
    const peer = await connect(url, { headers: { authorization: 'Bearer good' } })
    await peer.next('authenticated')
    await peer.settled()
  })

  test('nobody who says nothing stays: 4408', async () => {
    const { url } = await startServer({ authenticate, authTimeoutMs: 30 })
    expect(await (await connect(url)).closed).toMatchObject({ code: 4408 })
  })

  test('a refresh may not change the user', async () => {
    const { url } = await startServer({ authenticate })
    const peer = await connect(url)
    peer.send({ type: 'auth', data: { token: 'good' } })
    peer.send({ type: 'auth', data: { token: 'fresh' } })
    await peer.settled()
    expect(peer.all('authenticated')).toHaveLength(2)
    peer.send({ type: 'auth', data: { token: 'other' } })
    expect(await peer.closed).toMatchObject({ code: 4401 })
  })

  test('an identity that expires ends the connection with 4401', async () => {
    const { url } = await startServer({
      authenticate: () => ({ user: 'ann', expiresAt: Date.now() + 30 }),
    })
    const peer = await connect(url)
    peer.send({ type: 'auth', data: { token: 'any' } })
    expect(await peer.closed).toMatchObject({ code: 4401, reason: 'Token expired' })
  })

  test.each<[string, () => unknown, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('the directory is down')
      },
      /the directory is down/,
    ],
    ['names no user', () => ({}), /authenticate: expected .*user.*, got undefined/],
    ['names an empty user', () => ({ user: '' }), /authenticate: expected .*user.*, got ''/],
    ['names a number', () => ({ user: 7 }), /authenticate: expected .*user.*, got 7/],
    ['gives a text', () => 'ann', /authenticate: expected .*, got 'ann'/],
    [
      'gives a date',
      () => ({ user: 'ann', expiresAt: new Date() }),
      /authenticate: expected .*expiresAt.* got an object/,
    ],
  ])(
    'an authenticate that %s refuses nobody: it is told, and who asked comes back',
    async (_, authenticate, words) => {
      const { lines, logger } = recorder()
      const server = await startServer({
        logger,
        authenticate: authenticate as () => Identity,
      })
      const told: string[] = []
      server.on('error', ({ message }) => void told.push(message))
      const peer = await connect(server.url)
      peer.send({ type: 'auth', data: { token: 'any' } })
      expect(await peer.closed).toMatchObject({ code: 1013 })
      expect(peer.all('error')).toMatchObject([{ data: { code: 'INTERNAL' } }])
      const headers = { authorization: 'Bearer any', origin: 'http://localhost:3000' }
      const poll = await fetch(`${server.http}/api/market/snapshot`, { headers })
      expect(poll.status).toBe(503)
      expect(poll.headers.get('retry-after')).toBe('5')
      expect(poll.headers.get('access-control-allow-origin')).toBe('http://localhost:3000')
      expect(await refused(server.url, { headers })).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
      })
      expect(told).toHaveLength(3)
      for (const message of told) expect(message).toMatch(words)
      expect(lines.join('\n')).toMatch(words)
    },
  )

  test('an identity that ends never, or has ended already', async () => {
    const ends: Record<string, unknown> = { never: null, undefined: undefined, past: 1 }
    const { url, http } = await startServer({
      authenticate: ({ token }) => ({ user: 'ann', expiresAt: ends[token] as number }),
    })
    for (const token of ['never', 'undefined']) {
      const peer = await connect(url)
      peer.send({ type: 'auth', data: { token } })
      expect((await peer.next('authenticated')).data).toEqual({})
      await peer.settled()
    }
    const headers = { authorization: 'Bearer past' }
    expect((await refused(url, { headers })).status).toBe(401)
    expect((await fetch(`${http}/api/market/snapshot`, { headers })).status).toBe(401)
  })

  test('authorize decides on each channel and each message', async () => {
    const { url } = await startServer({
      authorize: (_, action, channel) =>
        `${action} ${channel}` !== 'subscribe secret' && channel !== 'attack',
    })
    const peer = await connect(url)
    peer.send({ type: 'subscribe', id: 's', data: { channels: ['open', 'secret'] } })
    peer.send({ type: 'attack', id: 'a' })
    await peer.settled()
    const { channels } = (await peer.next('subscribed')).data
    expect(Object.keys(channels as object)).toEqual(['open'])
    expect(peer.all('error').map(({ data }) => [data['code'], data['id']])).toEqual([
      ['FORBIDDEN', 's'],
      ['FORBIDDEN', 'a'],
    ])
  })
})

describe('the rate limit', () => {
  test('excess is dropped and told once, pongs are free, and elements of an array count singly', async () => {
    const { url } = await startServer({ rateLimit: { limit: 5, perMs: 60_000 * 5 } })
    const peer = await connect(url)
    peer.send({ type: 'echo' })
    peer.send(Array.from({ length: 50 }, () => ({ type: 'pong' })))
    peer.send(Array.from({ length: 20 }, (_, index) => ({ type: 'echo', id: `e${index}` })))
    const error = await peer.next('error')
    expect(error.data).toMatchObject({
      code: 'RATE_LIMITED',
      message: 'Rate limit exceeded. Please slow down.',
      retryAfterMs: expect.any(Number),
    })
    // The bucket holds one second's worth, which here is less than one message: it holds one.
    expect(peer.all('echo')).toHaveLength(1)
    expect(peer.all('error')).toHaveLength(1)
  })

  test('a burst of one second passes whole', async () => {
    const { url } = await startServer()
    const peer = await connect(url)
    for (let index = 0; index < 49; index++) peer.send({ type: 'echo', id: `e${index}` })
    await peer.settled()
    expect(peer.all('echo')).toHaveLength(50)
    expect(peer.all('error')).toEqual([])
  })

  test('persistent abuse is closed with 1013', async () => {
    const { url } = await startServer({ rateLimit: { limit: 1, perMs: 1000 } })
    const peer = await connect(url)
    peer.send(Array.from({ length: 600 }, () => ({ type: 'echo' })))
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('false sets no limit', async () => {
    const { url } = await startServer({ rateLimit: false })
    const peer = await connect(url)
    for (let index = 0; index < 500; index++) peer.send({ type: 'echo', id: `e${index}` })
    await peer.settled()
    expect(peer.all('echo')).toHaveLength(501)
  })
})

test('a consumer that does not read is closed, and the others are not held up', async () => {
  const server = await startServer({ maxBufferedBytes: 50_000 })
  const [slow, quick] = [await connect(server.url), await connect(server.url)]
  for (const peer of [slow, quick]) {
    peer.send({ type: 'subscribe', data: { channels: ['A'] } })
    await peer.next('subscribed')
  }
  slow.socket.pause()
  const data = 'x'.repeat(10_000)
  let sent = 0
  const gone = new Promise(resolve => server.on('disconnection', resolve))
  const left = expect.poll(() => server.connections(), { timeout: 15_000 }).toBe(1)
  // Sockets swallow some megabytes before anything waits here.
  for (; sent < 2000; sent++) {
    await server.publish('A', { type: 'market_data', data })
    if (sent % 10 === 0) await new Promise(setImmediate)
  }
  await left
  await gone
  await expect.poll(() => quick.all('market_data').length).toBe(sent)
})

describe('over plain HTTP', () => {
  test('the snapshot is the newest message of each channel asked for', async () => {
    const server = await startServer()
    await server.publish('A', { type: 'market_data', data: 1 })
    await server.publish('A', { type: 'market_data', data: 2 })
    await server.publish('B,C', { type: 'market_data', data: 3 })
    const read = async (query: string) =>
      (await fetch(`${server.http}/api/market/snapshot${query}`)).json()
    expect(await read('')).toMatchObject({
      timestamp: expect.any(Number),
      count: 2,
      data: [{ channel: 'A', offset: 2, data: 2 }, { channel: 'B,C' }],
    })
    expect(await read('?symbols=A,unknown')).toMatchObject({ count: 1, data: [{ channel: 'A' }] })
    expect(await read('?symbols=A%2Cunknown')).toMatchObject({ count: 1 })
  })

  test('an unchanged snapshot is 304, and nothing is ever cached', async () => {
    const server = await startServer()
    await server.publish('A', { type: 'market_data', data: 1 })
    const url = `${server.http}/api/market/snapshot?symbols=A`
    const first = await fetch(url)
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toBe('no-store')
    const again = await fetch(url, { headers: { 'if-none-match': etag } })
    expect(again.status).toBe(304)
    await server.publish('A', { type: 'market_data', data: 2 })
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(200)
  })

  test.each([
    ['', 200],
    ['A', 304],
    ['W/A', 304],
    ['"x", A', 304],
    ['"x" ,W/A , "y"', 304],
    ['*', 304],
    ['"x"', 200],
    ['A"', 200],
    ['unquoted', 200],
  ])('If-None-Match: %s', async (given, status) => {
    const server = await startServer()
    const url = `${server.http}/api/market/snapshot?symbols=A`
    const etag = (await fetch(url)).headers.get('etag') ?? ''
    const header = { 'if-none-match': given.replace('A', etag) }
    const response = await fetch(url, { headers: header })
    expect(response.status).toBe(status)
    expect(response.headers.get('etag')).toBe(etag)
  })

  test.each([
    ['A:garbage'],
    ['A:epoch:x'],
    ['A:epoch:-1'],
    ['A::1'],
    ['A'],
    ['A:epoch:99999999999999999999'],
  ])('since=%s is in no history', async since => {
    const server = await startServer()
    await server.publish('A', { type: 'tick' })
    const url = `${server.http}/api/market/snapshot?symbols=A,B&since=${since}`
    expect((await (await fetch(url)).json()).channels).toMatchObject({
      A: { recovered: false, reason: 'epoch' },
      B: { recovered: true },
    })
  })

  test('a foreign origin may not read, one on the list may, with CORS', async () => {
    const { http } = await startServer({ allowedOrigins: ['https://example.com'] })
    const url = `${http}/api/market/snapshot`
    expect((await fetch(url, { headers: { origin: 'https://evil.test' } })).status).toBe(403)
    const mine = await fetch(url, { headers: { origin: 'https://example.com' } })
    expect(mine.headers.get('access-control-allow-origin')).toBe('https://example.com')
    expect(mine.headers.get('vary')).toContain('Origin')
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin: 'https://example.com' },
    })
    expect(preflight.status).toBe(204)
    const deleted = await fetch(url, {
      method: 'DELETE',
      headers: { origin: 'https://example.com' },
    })
    expect(deleted.status).toBe(405)
  })

  test('with authenticate it wants a good token', async () => {
    const { http } = await startServer({
      authenticate: ({ token }) => (token === 'good' ? { user: 'ann' } : null),
    })
    const url = `${http}/api/market/snapshot`
    expect((await fetch(url)).status).toBe(401)
    expect((await fetch(url, { headers: { authorization: 'Bearer bad' } })).status).toBe(401)
    expect((await fetch(url, { headers: { authorization: 'Bearer good' } })).status).toBe(200)
  })

  test('healthz says that it lives, readyz whether it takes clients', async () => {
    const server = await startServer()
    expect((await fetch(`${server.http}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.http}/readyz`)).status).toBe(200)
    await server.drain({ afterMs: 0, jitterMs: 0 })
    expect((await fetch(`${server.http}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.http}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.http}/other`)).status).toBe(404)
  })
})

describe('the end', () => {
  test('drain asks everybody to leave, then closes with 1012; new ones are refused', async () => {
    const server = await startServer()
    const peer = await connect(server.url)
    const drained = server.drain({ afterMs: 10, jitterMs: 10 })
    expect((await peer.next('reconnect')).data).toMatchObject({ afterMs: 10, jitterMs: 10 })
    expect((await refused(server.url)).status).toBe(503)
    expect(await peer.closed).toMatchObject({ code: 1012 })
    await drained
  })

  test('who has a session heeds the request and is closed at the end of the window; others are spread over it', async () => {
    const server = await startServer()
    const session = await connect(server.url)
    session.send({ type: 'hello', data: { sid: 'a-session-of-this-test', gen: 1, channels: {} } })
    await session.next('welcome')
    const plain = await Promise.all(Array.from({ length: 3 }, () => connect(server.url)))
    const draws = [0.9, 0.1, 0.5]
    vi.spyOn(nodeEnvironment, 'random').mockImplementation(() => draws.shift() ?? 0)
    const order: string[] = []
    for (const [index, peer] of plain.entries()) peer.closed.then(() => order.push(`${index}`))
    session.closed.then(() => order.push('session'))
    await server.drain({ afterMs: 20, jitterMs: 300 })
    expect(await session.closed).toMatchObject({ code: 1012 })
    expect(order).toEqual(['1', '2', '0', 'session'])
  })

  test('a peer that never answers the close holds up neither drain nor close', async () => {
    const server = await startServer()
    const peer = await connect(server.url)
    peer.socket.pause()
    await server.drain({ afterMs: 0, jitterMs: 0 })
    expect(server.connections()).toBe(1)
    await server.close()
    expect(server.connections()).toBe(0)
  })

  test('drain is done at once when nobody is connected', async () => {
    const server = await startServer()
    await server.drain({ afterMs: 3_600_000, jitterMs: 0 })
  })

  test('close ends every connection with 1001 and may be called again', async () => {
    const server = await startServer()
    const peer = await connect(server.url)
    await Promise.all([server.close(), server.close()])
    expect(await peer.closed).toMatchObject({ code: 1001 })
    expect(server.connections()).toBe(0)
  })

  test('a server of yours keeps its own answers, and keeps them after close', async () => {
    const mine = createHttpServer((_, response) => response.end('mine'))
    mine.listen(0, '127.0.0.1')
    const server = createServer({ server: mine, allowMissingOrigin: true })
    const { port, url } = await server.listen()
    expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe('mine')
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
    await connect(url)
    await server.close()
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('mine')
    mine.closeAllConnections()
    await new Promise(resolve => mine.close(resolve))
  })

  test.each([
    ['while its broker is being joined', 0],
    ['while it takes its port', 1],
  ])('closed %s it does not listen after that', async (_, turns) => {
    let attached = 0
    const broker = new MemoryBroker()
    const attach = broker.attach.bind(broker)
    broker.attach = async deliver => {
      attached++
      const detach = await attach(deliver)
      return async () => {
        attached--
        await detach()
      }
    }
    const server = createServer({ port: 0, host: '127.0.0.1', broker })
    const listening = server.listen().catch((error: Error) => error.message)
    for (let turn = 0; turn < 10 * turns; turn++) await null
    await server.close()
    expect(await listening).toContain('closed')
    expect(attached).toBe(0)
    await expect(server.listen()).rejects.toThrow('closed')
  })

  test('a taken port rejects listen()', async () => {
    const { port } = await startServer()
    const second = createServer({ port, host: '127.0.0.1' })
    await expect(second.listen()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await second.close()
  })
})
