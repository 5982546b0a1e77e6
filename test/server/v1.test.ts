import { describe, expect, test } from 'vitest'
import { MemoryBroker, type ServerOptions } from '../../src/server/index.ts'
import { connect, type Peer, type RunningServer, startServer } from './support.ts'

const SID = 'a-session-of-this-test'

interface Hello {
  readonly tok?: string
  readonly gen?: number
  readonly channels?: Record<string, unknown>
  readonly sid?: string
}

type Welcome = Record<string, unknown> & {
  tok: string
  ack: number
  channels: Record<string, Record<string, unknown>>
}

/** A connection that has said hello. */
const greet = async (url: string, { gen = 1, channels = {}, ...more }: Hello = {}) => {
  const peer = await connect(url)
  peer.send({ type: 'hello', data: { sid: SID, gen, channels, ...more } })
  const welcome = (await peer.next('welcome')).data as Welcome
  return { peer, welcome }
}

/** A server that applies `order` and refuses `bad`. */
const startApplying = async (options: ServerOptions = {}) => {
  const applied: unknown[] = []
  const server = await startServer({
    onMessage: ({ type, data }) => {
      if (type === 'bad') throw new Error('no')
      applied.push(data)
      return data === 'answer me' ? { type: 'answered' } : undefined
    },
    ...options,
  })
  return { server, applied }
}

const order = (seq: number, data: unknown = seq) => ({ type: 'order', id: `o${seq}`, seq, data })

const ackOf = async (peer: Peer, seq: number): Promise<void> =>
  expect
    .poll(() => Math.max(0, ...peer.all('ack').map(({ data }) => Number(data['seq']))))
    .toBe(seq)

const offsets = (peer: Peer): unknown[] => peer.all('tick').map(({ offset }) => offset)

const publish = async (server: RunningServer, channel: string, count: number): Promise<void> => {
  for (let index = 0; index < count; index++) await server.publish(channel, { type: 'tick' })
}

describe('hello', () => {
  test('the server says that it speaks v1, and answers with session and positions', async () => {
    const { server } = await startApplying({ sessionTtlMs: 5000 })
    await publish(server, 'A', 3)
    const { peer, welcome } = await greet(server.url, { channels: { A: null, B: null } })
    expect((await peer.next('connection')).data).toMatchObject({ protocol: 1 })
    expect(welcome).toMatchObject({
      tok: expect.stringMatching(/^[\w-]{22}$/),
      ack: 0,
      sessionTtlMs: 5000,
      maxInFlight: 256,
      channels: {
        A: { epoch: expect.any(String), offset: 3, recovered: true, replayed: 0 },
        B: { offset: 0, recovered: true, replayed: 0 },
      },
    })
  })

  test.each([
    [{}],
    [{ sid: '', gen: 1 }],
    [{ sid: 'x'.repeat(129), gen: 1 }],
    [{ sid: SID, gen: 1, tok: 7 }],
    [{ sid: SID }],
    [{ sid: SID, gen: -1 }],
    [{ sid: SID, gen: 1.5 }],
  ])('%j is none', async data => {
    const { server } = await startApplying()
    const peer = await connect(server.url)
    peer.send({ type: 'hello', data })
    expect((await peer.next('error')).data).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(peer.all('welcome')).toEqual([])
  })

  test('a token may come with it', async () => {
    const { server } = await startApplying({
      authenticate: ({ token }) => (token === 'good' ? { user: 'ann' } : null),
    })
    const good = await connect(server.url)
    good.send({ type: 'hello', data: { sid: SID, gen: 1, token: 'good', channels: {} } })
    await good.next('welcome')
    const bad = await connect(server.url)
    bad.send({ type: 'hello', data: { sid: SID, gen: 2, token: 'bad', channels: {} } })
    expect(await bad.closed).toMatchObject({ code: 4401 })
    const none = await connect(server.url)
    none.send({ type: 'hello', data: { sid: SID, gen: 3, channels: {} } })
    expect((await none.next('error')).data).toMatchObject({ code: 'UNAUTHORIZED' })
  })
})

describe('sending, once and in order', () => {
  test('what is next is applied and acknowledged; what was is acknowledged again; what is later is ignored', async () => {
    const { server, applied } = await startApplying()
    const { peer } = await greet(server.url)
    peer.send([order(1), order(2)])
    await ackOf(peer, 2)
    peer.send([order(2), order(5), order(1), order(3)])
    await ackOf(peer, 3)
    expect(applied).toEqual([1, 2, 3])
  })

  test('a refusal uses its place up, and what follows is applied', async () => {
    const { server, applied } = await startApplying()
    const { peer } = await greet(server.url)
    peer.send([order(1), { type: 'bad', id: 'b', seq: 2 }, order(3)])
    await ackOf(peer, 3)
    expect(peer.all('nack')).toMatchObject([{ data: { seq: 2, code: 'INTERNAL' }, replyTo: 'b' }])
    expect(applied).toEqual([1, 3])
  })

  test('a message that is nested too deep is refused at its place', async () => {
    const { server, applied } = await startApplying()
    const { peer } = await greet(server.url)
    const deep = '['.repeat(5000) + ']'.repeat(5000)
    peer.send(`{"type":"echo","id":"d","seq":1,"data":${deep}}`)
    peer.send(order(2))
    await ackOf(peer, 2)
    expect(peer.all('nack')).toMatchObject([
      { data: { seq: 1, code: 'BAD_MESSAGE' }, replyTo: 'd' },
    ])
    expect(applied).toEqual([2])
  })

  test('an answer that is no JSON takes nothing from the ack of what it answers', async () => {
    const server = await startServer({ onMessage: () => ({ data: 10n }) })
    const told = new Promise(resolve => server.on('error', resolve))
    const { peer } = await greet(server.url)
    peer.send([order(1), order(2)])
    await ackOf(peer, 2)
    expect(await told).toMatchObject({ message: expect.stringContaining('BigInt') })
    expect(peer.all('nack').concat(peer.all('error'), peer.all('order'))).toEqual([])
  })

  test('a word of refusal that was lost is said again on the next connection', async () => {
    const { server } = await startApplying()
    const first = await greet(server.url)
    first.peer.send({ type: 'bad', seq: 1 })
    await first.peer.next('nack')
    const { welcome } = await greet(server.url, { tok: first.welcome.tok, gen: 2 })
    expect(welcome).toMatchObject({ ack: 1, refused: [{ seq: 1, code: 'INTERNAL' }] })
  })

  test('skip uses a place up without an effect', async () => {
    const { server, applied } = await startApplying()
    const { peer } = await greet(server.url)
    peer.send([{ type: 'skip', data: { seq: 1 } }, order(2)])
    await ackOf(peer, 2)
    expect(applied).toEqual([2])
  })

  test('what is said again costs the store nothing once its answer is known here', async () => {
    const broker = new MemoryBroker()
    const { sessions } = broker
    const begun: number[] = []
    const begin = sessions.begin.bind(sessions)
    Object.assign(sessions, {
      begin(key: string, tok: string, seq: number) {
        begun.push(seq)
        return begin(key, tok, seq)
      },
    })
    const { server, applied } = await startApplying({ broker })
    const { peer } = await greet(server.url)
    for (const seq of [1, 2, 1, 2, 3]) peer.send(order(seq))
    await ackOf(peer, 3)
    expect(begun).toEqual([1, 2, 3])
    expect(applied).toEqual([1, 2, 3])
  })

  test('a session goes on where it was, on another connection, and nothing is applied twice', async () => {
    const { server, applied } = await startApplying()
    const first = await greet(server.url)
    first.peer.send([order(1), order(2)])
    await ackOf(first.peer, 2)
    first.peer.socket.terminate()
    const { peer, welcome } = await greet(server.url, { tok: first.welcome.tok, gen: 2 })
    expect(welcome).toMatchObject({ tok: first.welcome.tok, ack: 2 })
    peer.send([order(2), order(3)])
    await ackOf(peer, 3)
    expect(applied).toEqual([1, 2, 3])
  })

  test('a message that is being applied while its sender comes back is not applied again', async () => {
    let release = (): void => {}
    const applied: unknown[] = []
    const server = await startServer({
      onMessage: async ({ data }) => {
        await new Promise<void>(resolve => {
          release = resolve
        })
        applied.push(data)
      },
    })
    const first = await greet(server.url)
    const begun = new Promise(resolve => server.on('message', resolve))
    first.peer.send(order(1))
    await begun
    const second = await connect(server.url)
    second.send({ type: 'hello', data: { sid: SID, tok: first.welcome.tok, gen: 2, channels: {} } })
    second.send(order(1))
    await second.next('connection')
    release()
    expect((await second.next('welcome')).data).toMatchObject({ ack: 1 })
    await ackOf(second, 1)
    expect(applied).toEqual([1])
  })

  test('what still waits on an old connection when a newer one takes over is not applied: its refusal would be lost', async () => {
    const broker = new MemoryBroker()
    const { sessions } = broker
    let reached = (): void => {}
    let goOn: Promise<void> | undefined
    const contact: typeof sessions.contact = async (...contact) => {
      reached()
      await goOn
      return sessions.contact(...contact)
    }
    Object.assign(broker, { sessions: { ...sessions, contact } })
    const { server } = await startApplying({ broker })
    const { peer: old, welcome } = await greet(server.url)
    let release = (): void => {}
    goOn = new Promise(resolve => {
      release = resolve
    })
    const asked = new Promise<void>(resolve => {
      reached = resolve
    })
    const second = await connect(server.url)
    second.send({ type: 'hello', data: { sid: SID, tok: welcome['tok'], gen: 2, channels: {} } })
    await asked
    old.send({ type: 'bad', seq: 1 })
    old.send({ type: 'ping', id: 'heard' })
    await old.next('pong')
    release()
    expect((await second.next('welcome')).data).toMatchObject({ ack: 0 })
    second.send({ type: 'bad', seq: 1 })
    expect((await second.next('nack')).data).toMatchObject({ seq: 1, code: 'INTERNAL' })
    await ackOf(second, 1)
  })

  test('the newer connection of a session closes the older with 4409, and an older one never comes in', async () => {
    const { server } = await startApplying()
    const { peer: old, welcome } = await greet(server.url, { gen: 5 })
    await greet(server.url, { tok: welcome.tok, gen: 6 })
    expect(await old.closed).toMatchObject({ code: 4409 })
    const late = await connect(server.url)
    late.send({ type: 'hello', data: { sid: SID, tok: welcome.tok, gen: 5, channels: {} } })
    expect(await late.closed).toMatchObject({ code: 4409 })
  })

  test('who does not know the tok gets another incarnation, and never the right one', async () => {
    const { server, applied } = await startApplying()
    const { peer, welcome } = await greet(server.url)
    peer.send(order(1))
    await ackOf(peer, 1)
    const thief = await greet(server.url, { tok: 'wrong', gen: 2 })
    expect(thief.welcome.tok).not.toBe(welcome.tok)
    expect(thief.welcome.ack).toBe(0)
    expect(applied).toEqual([1])
  })

  test('sessions belong to their user', async () => {
    const { server } = await startApplying({ authenticate: ({ token }) => ({ user: token }) })
    const hello = async (token: string, gen: number, tok?: string): Promise<Welcome> => {
      const peer = await connect(server.url)
      peer.send({ type: 'hello', data: { sid: SID, gen, tok, token, channels: {} } })
      return (await peer.next('welcome')).data as Welcome
    }
    const ann = await hello('ann', 1)
    const bob = await hello('bob', 1, ann.tok)
    expect(bob.tok).not.toBe(ann.tok)
    expect((await hello('ann', 2, ann.tok)).tok).toBe(ann.tok)
  })

  test('a restart that lost the sessions shows in another tok', async () => {
    const { server: first } = await startApplying()
    const { welcome } = await greet(first.url)
    const { server: second } = await startApplying()
    expect((await greet(second.url, { tok: welcome.tok, gen: 2 })).welcome.tok).not.toBe(
      welcome.tok,
    )
  })

  test('a session that was silent for too long is another one', async () => {
    let now = 0
    const broker = new MemoryBroker({ now: () => now })
    const { server } = await startApplying({ broker, sessionTtlMs: 1000 })
    const first = await greet(server.url)
    now = 999
    const second = await greet(server.url, { tok: first.welcome.tok, gen: 2 })
    expect(second.welcome.tok).toBe(first.welcome.tok)
    now = 3000
    const third = await greet(server.url, { tok: first.welcome.tok, gen: 3 })
    expect(third.welcome.tok).not.toBe(first.welcome.tok)
  })

  test.each([0, -1, 1.5, '1', null, {}])('seq %j is none', async seq => {
    const { server, applied } = await startApplying()
    const { peer } = await greet(server.url)
    peer.send({ type: 'order', seq })
    expect((await peer.next('error')).data).toMatchObject({ code: 'BAD_MESSAGE' })
    expect(applied).toEqual([])
  })
})

describe('handlers of one session run one at a time', () => {
  test('also where one of its messages has no place, and another comes by POST', async () => {
    let running = 0
    const log: unknown[] = []
    let release = (): void => {}
    const server = await startServer({
      onMessage: async ({ type }) => {
        log.push(`${type} beside ${running++}`)
        if (type === 'first') {
          await new Promise<void>(resolve => {
            release = resolve
          })
        }
        running--
      },
    })
    const begun = new Promise(resolve => server.on('message', resolve))
    const { peer, welcome } = await greet(server.url)
    peer.send({ type: 'first' })
    await begun
    const posted = fetch(`${server.http}/api/market/snapshot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        sid: SID,
        tok: welcome.tok,
        gen: 1,
        messages: [{ type: 'second', seq: 1 }],
      }),
    })
    // The request has been read when another one has been answered.
    await fetch(`${server.http}/healthz`)
    await (await connect(server.url)).settled()
    release()
    expect(await (await posted).json()).toMatchObject({ ack: 1 })
    expect(log).toEqual(['first beside 0', 'second beside 0'])
  })
})

describe('a broker or an authorize that fails', () => {
  const broken = new MemoryBroker()
  broken.history = async () => {
    throw new Error('the broker is away')
  }

  test.each<[string, ServerOptions]>([
    ['broker', { broker: broken }],
    [
      'authorize',
      {
        authorize: (_, action) => {
          if (action === 'subscribe') throw new Error('no database')
          return true
        },
      },
    ],
  ])('%s: who waits for an answer is sent away for now', async (_, options) => {
    const { server } = await startApplying(options)
    const channels = { A: null }
    for (const message of [
      { type: 'hello', data: { sid: SID, gen: 1, channels } },
      { type: 'subscribe', data: { channels } },
    ]) {
      const peer = await connect(server.url)
      peer.send(message)
      expect(await peer.closed).toMatchObject({ code: 1013 })
      expect(peer.all('error')).toMatchObject([{ data: { code: 'INTERNAL' } }])
      expect(peer.all('welcome')).toEqual([])
    }
    const { peer } = await greet(server.url, { gen: 2 })
    peer.send({ type: 'subscribe', seq: 1, data: { channels } })
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('authorize, for a message: it is refused, and the connection lives on', async () => {
    const { server } = await startApplying({
      authorize: (_, action) => {
        if (action === 'send') throw new Error('no database')
        return true
      },
    })
    const { peer } = await greet(server.url)
    peer.send({ type: 'order', id: 'unplaced' })
    peer.send({ type: 'order', id: 'placed', seq: 1 })
    await ackOf(peer, 1)
    expect(peer.all('error').map(({ data }) => data['code'])).toEqual(['INTERNAL'])
    expect(peer.all('nack').map(({ data }) => data['code'])).toEqual(['INTERNAL'])
  })
})

describe('receiving, every message once and in order, or told', () => {
  test('what was missed follows the welcome, and then what is new', async () => {
    const { server } = await startApplying()
    await publish(server, 'A', 2)
    const { epoch } = await server.publish('A', { type: 'tick' })
    await publish(server, 'A', 2)
    const { peer, welcome } = await greet(server.url, { channels: { A: { epoch, offset: 2 } } })
    expect(welcome.channels['A']).toEqual({ epoch, offset: 5, recovered: true, replayed: 3 })
    await publish(server, 'A', 1)
    await expect.poll(() => offsets(peer)).toEqual([3, 4, 5, 6])
    const types = peer.heard.map(({ type }) => type)
    expect(types.indexOf('welcome')).toBeLessThan(types.indexOf('tick'))
  })

  test.each([
    ['epoch', 2, { epoch: 'another', offset: 1 }],
    ['ahead', 2, { offset: 9 }],
    ['trimmed', 6, { offset: 1 }],
  ])('what cannot be given is told: %s', async (reason, published, position) => {
    const { server } = await startApplying({ broker: new MemoryBroker({ historySize: 3 }) })
    await publish(server, 'A', published - 1)
    const { epoch } = await server.publish('A', { type: 'tick' })
    const { peer, welcome } = await greet(server.url, { channels: { A: { epoch, ...position } } })
    expect(welcome.channels['A']).toEqual({
      epoch,
      offset: published,
      recovered: false,
      replayed: 0,
      reason,
    })
    expect((await peer.next('snapshot')) as object).toMatchObject({
      channel: 'A',
      data: { type: 'tick', offset: published },
    })
    await publish(server, 'A', 1)
    await expect.poll(() => offsets(peer)).toEqual([published + 1])
  })

  test('more than a thousand missed messages are told instead of sent', async () => {
    const { server } = await startApplying({ broker: new MemoryBroker({ historySize: 2000 }) })
    const { epoch } = await server.publish('A', { type: 'tick' })
    await publish(server, 'A', 1001)
    const { welcome } = await greet(server.url, { channels: { A: { epoch, offset: 1 } } })
    expect(welcome.channels['A']).toMatchObject({ recovered: false, reason: 'limit' })
  })

  test('subscribe answers with positions and replays, also on a channel that is listened to', async () => {
    const { server } = await startApplying()
    const { epoch } = await server.publish('A', { type: 'tick' })
    await publish(server, 'A', 2)
    const { peer } = await greet(server.url)
    peer.send({ type: 'subscribe', id: 's', data: { channels: { A: { epoch, offset: 2 } } } })
    expect(await peer.next('subscribed')).toMatchObject({
      replyTo: 's',
      data: { channels: { A: { epoch, offset: 3, recovered: true, replayed: 1 } } },
    })
    await expect.poll(() => offsets(peer)).toEqual([3])
    peer.send({ type: 'subscribe', data: { channels: { A: { epoch, offset: 1 } } } })
    await expect.poll(() => offsets(peer)).toEqual([3, 2, 3])
    await publish(server, 'A', 1)
    await expect.poll(() => offsets(peer)).toEqual([3, 2, 3, 4])
  })

  test('what is published while history is read comes after it, once', async () => {
    const broker = new MemoryBroker()
    const { server } = await startApplying({ broker })
    const { epoch } = await server.publish('A', { type: 'tick' })
    await publish(server, 'A', 3)
    const read = broker.history.bind(broker)
    broker.history = async (channel, after) => {
      await publish(server, 'A', 1)
      const history = await read(channel, after)
      await publish(server, 'A', 1)
      return history
    }
    const { peer } = await greet(server.url, { channels: { A: { epoch, offset: 1 } } })
    await expect.poll(() => offsets(peer)).toEqual([2, 3, 4, 5, 6])
  })

  test('a ping names the newest offset of each channel', async () => {
    const { server } = await startApplying({ heartbeat: { intervalMs: 20, timeoutMs: 5000 } })
    const { peer } = await greet(server.url, { channels: { A: null } })
    await publish(server, 'A', 2)
    await expect.poll(() => peer.all('ping').at(-1)?.data['heads']).toEqual({ A: 2 })
  })

  test('under load messages travel together, within maxPayload; a plain client gets them singly', async () => {
    const { server } = await startApplying({ maxPayload: 2000 })
    const { peer } = await greet(server.url, { channels: { A: null } })
    const plain = await connect(server.url)
    plain.send({ type: 'subscribe', data: { channels: ['A'] } })
    await plain.next('subscribed')
    const frames: { joined: number[]; single: number; longest: number } = {
      joined: [],
      single: 0,
      longest: 0,
    }
    peer.socket.on('message', data => {
      const parsed = JSON.parse(String(data))
      frames.longest = Math.max(frames.longest, (data as Buffer).length)
      if (Array.isArray(parsed)) frames.joined.push(parsed.length)
    })
    plain.socket.on('message', data => {
      if (!Array.isArray(JSON.parse(String(data)))) frames.single++
    })
    await publish(server, 'A', 200)
    await expect.poll(() => offsets(peer).length).toBe(200)
    await expect.poll(() => frames.single).toBe(200)
    expect(offsets(peer)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
    expect(frames.joined.length).toBeGreaterThan(0)
    expect(frames.longest).toBeLessThanOrEqual(2002)
  })
})

describe('by HTTP', () => {
  const post = async (
    server: RunningServer,
    body: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${server.http}/api/market/snapshot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }

  test('the first POST only makes contact; with the tok its messages are applied, once', async () => {
    const { server, applied } = await startApplying()
    const first = await post(server, { sid: SID, gen: 1, messages: [order(1)] })
    expect(first).toMatchObject({
      status: 200,
      body: { ack: 0, tok: expect.any(String), sessionTtlMs: 120_000 },
    })
    const { tok } = first.body
    const body = { sid: SID, tok, gen: 1, messages: [order(1), order(2, 'answer me'), order(9)] }
    expect((await post(server, body)).body).toMatchObject({
      tok,
      ack: 2,
      messages: [{ type: 'answered', replyTo: 'o2' }],
    })
    expect((await post(server, body)).body).toMatchObject({ tok, ack: 2, messages: [] })
    expect(applied).toEqual([1, 'answer me'])
  })

  test('a session goes from the WebSocket to POST and back', async () => {
    const { server, applied } = await startApplying()
    const { peer, welcome } = await greet(server.url, { gen: 1 })
    peer.send(order(1))
    await ackOf(peer, 1)
    const { tok } = welcome
    expect(
      (await post(server, { sid: SID, tok, gen: 2, messages: [order(1), order(2)] })).body,
    ).toMatchObject({ ack: 2 })
    expect(await peer.closed).toMatchObject({ code: 4409 })
    const back = await greet(server.url, { tok, gen: 3 })
    expect(back.welcome).toMatchObject({ tok, ack: 2 })
    expect((await post(server, { sid: SID, tok, gen: 2, messages: [order(3)] })).status).toBe(409)
    expect(applied).toEqual([1, 2])
  })

  test('a refusal is told', async () => {
    const { server } = await startApplying()
    const { tok } = (await post(server, { sid: SID, gen: 1 })).body
    const { body } = await post(server, {
      sid: SID,
      tok,
      gen: 1,
      messages: [{ type: 'bad', seq: 1 }],
    })
    expect(body).toMatchObject({ ack: 1, refused: [{ seq: 1, code: 'INTERNAL' }] })
  })

  test('an answer that is no JSON is missing in the body, and nothing else is', async () => {
    const server = await startServer({
      onMessage: ({ seq }: { seq?: number }) => ({ data: seq === 1 ? 10n : seq }),
    } as ServerOptions)
    const { tok } = (await post(server, { sid: SID, gen: 1 })).body
    const { body } = await post(server, { sid: SID, tok, gen: 1, messages: [order(1), order(2)] })
    expect(body).toMatchObject({ ack: 2, messages: [{ data: 2, replyTo: 'o2' }] })
  })

  test('the rate limit is the same: the rest is left for later', async () => {
    const { server } = await startApplying({ rateLimit: { limit: 3, perMs: 1000 } })
    const { tok } = (await post(server, { sid: SID, gen: 1 })).body
    const messages = [1, 2, 3, 4, 5].map(seq => order(seq))
    const { body } = await post(server, { sid: SID, tok, gen: 1, messages })
    expect(body).toMatchObject({ ack: 3, retryAfterMs: 1000 })
  })

  test.each([
    ['no JSON', '{', 400],
    ['no sid', { gen: 1 }, 400],
    ['a message without seq', { sid: SID, gen: 1, messages: [{ type: 'x' }] }, 400],
    ['messages that are none', { sid: SID, gen: 1, messages: [null] }, 400],
    ['too many bytes', 'x'.repeat(70_000), 413],
  ])('%s is refused', async (_, body, status) => {
    const { server, applied } = await startApplying()
    expect((await post(server, body)).status).toBe(status)
    expect(applied).toEqual([])
  })

  test('a form of another page cannot post', async () => {
    const { server } = await startApplying({ allowMissingOrigin: false })
    const body = { sid: SID, gen: 1 }
    expect((await post(server, body)).status).toBe(403)
    expect((await post(server, body, { origin: 'https://evil.test' })).status).toBe(403)
    const form = { 'content-type': 'text/plain', origin: 'http://localhost:3000' }
    expect((await post(server, body, form)).status).toBe(415)
    expect((await post(server, body, { origin: 'http://localhost:3000' })).status).toBe(200)
  })

  test('a poll brings what was missed since the positions, and says what it cannot bring', async () => {
    const { server } = await startApplying()
    const { epoch } = await server.publish('A', { type: 'tick' })
    await publish(server, 'A', 2)
    await publish(server, 'B:1', 2)
    await publish(server, 'C', 1)
    const query = `symbols=A,B%3A1,C&since=A:${epoch}:1,B%3A1:other:7`
    const body = await (await fetch(`${server.http}/api/market/snapshot?${query}`)).json()
    expect(body).toMatchObject({
      protocol: 1,
      count: 3,
      data: [
        { channel: 'A', offset: 3 },
        { channel: 'B:1', offset: 2 },
        { channel: 'C', offset: 1 },
      ],
      messages: [
        { channel: 'A', offset: 2 },
        { channel: 'A', offset: 3 },
        { type: 'snapshot', channel: 'B:1', data: { offset: 2 } },
        { channel: 'C', offset: 1 },
      ],
      channels: {
        A: { epoch, offset: 3, recovered: true, replayed: 2 },
        'B:1': { offset: 2, recovered: false, reason: 'epoch' },
        C: { offset: 1, recovered: true, replayed: 0 },
      },
    })
  })
})
