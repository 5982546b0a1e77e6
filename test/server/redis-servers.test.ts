import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADVANCE, BEGIN } from '../../src/server/broker/redis/lua-scripts.ts'
import type { RedisBrokerOptions, ServerOptions } from '../../src/server/index.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { ackOf, createBroker, createClient, gate, greet, hello, order } from './redis-support.ts'
import { connect, type RunningServer, startServer } from './support.ts'

describe.skipIf(!hasRedis)('two servers on one Redis', () => {
  let redis: RedisServer
  let prefixes = 0

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.end())

  const startTwo = async (
    options: ServerOptions = {},
    brokers: Partial<RedisBrokerOptions> = {},
  ): Promise<[RunningServer, RunningServer]> => {
    const keyPrefix = `test-${++prefixes}:`
    const start = () =>
      startServer({ ...options, broker: createBroker(redis.url, { keyPrefix, ...brokers }) })
    return [await start(), await start()]
  }

  const publish = async (server: RunningServer, from: number, to: number): Promise<void> => {
    for (let data = from; data <= to; data++) await server.publish('A', { type: 'tick', data })
  }

  test('what is published on either is heard on both, in one order', async () => {
    const [a, b] = await startTwo()
    const heard: unknown[][] = [[], []]
    for (const [index, { url }] of [a, b].entries()) {
      const { socket } = createClient(url)
      await socket.subscribe('A', ({ data }) => void heard[index]?.push(data)).ready
    }
    await Promise.all([publish(a, 1, 50), publish(b, 101, 150)])
    await expect.poll(() => heard.map(each => each.length)).toEqual([100, 100])
    expect(heard[0]).toEqual(heard[1])
    const ones = heard[0]?.filter(data => Number(data) < 100)
    expect(ones).toEqual(Array.from({ length: 50 }, (_, at) => at + 1))
  })

  test('a client that moves gets everything that it missed, in order', async () => {
    const [a, b] = await startTwo()
    let url = a.url
    const { socket, gaps } = createClient(() => url)
    const heard: unknown[] = []
    const recovered: unknown[] = []
    socket.on('recovered', given => recovered.push(given))
    await socket.subscribe('A', ({ data }) => heard.push(data)).ready
    await publish(a, 1, 3)
    await expect.poll(() => heard).toEqual([1, 2, 3])
    url = b.url
    socket.disconnect()
    await publish(b, 4, 20)
    socket.connect()
    await expect.poll(() => heard.length).toBe(20)
    await publish(a, 21, 22)
    await expect.poll(() => heard).toEqual(Array.from({ length: 22 }, (_, at) => at + 1))
    expect(recovered).toContainEqual({ channel: 'A', replayed: 17 })
    expect(gaps).toEqual([])
  })

  test('a session goes on where it was: what was acknowledged is not applied again', async () => {
    const applied: unknown[] = []
    const [a, b] = await startTwo({ onMessage: ({ data }) => void applied.push(data) })
    const first = await greet(a.url, 1)
    first.peer.send([order(1), order(2)])
    await expect.poll(() => ackOf(first.peer)).toBe(2)
    first.peer.socket.terminate()
    const { peer, welcome } = await greet(b.url, 2, first.welcome.tok)
    expect(welcome).toMatchObject({ tok: first.welcome.tok, ack: 2 })
    peer.send([order(2), order(3)])
    await expect.poll(() => ackOf(peer)).toBe(3)
    expect(applied).toEqual([1, 2, 3])
  })

  test('a refusal on one is repeated by the other', async () => {
    const [a, b] = await startTwo({
      onMessage() {
        throw new Error('no')
      },
    })
    const first = await greet(a.url, 1)
    first.peer.send(order(1))
    await first.peer.next('nack')
    const { welcome } = await greet(b.url, 2, first.welcome.tok)
    expect(welcome).toMatchObject({ ack: 1, refused: [{ seq: 1, code: 'INTERNAL' }] })
  })

  test('what one still applies the other waits for; nothing more begins there, and nothing is applied twice', async () => {
    const { open, opened } = gate()
    const begun: string[] = []
    const applied: string[] = []
    const options = (name: string): ServerOptions => ({
      async onMessage({ data }) {
        begun.push(`${name}${data}`)
        if (name === 'a') await opened
        applied.push(`${name}${data}`)
      },
    })
    const keyPrefix = `test-${++prefixes}:`
    const a = await startServer({ ...options('a'), broker: createBroker(redis.url, { keyPrefix }) })
    const b = await startServer({ ...options('b'), broker: createBroker(redis.url, { keyPrefix }) })
    const first = await greet(a.url, 1)
    first.peer.send([order(1), order(2)])
    await expect.poll(() => begun).toEqual(['a1'])

    const second = await connect(b.url)
    second.send(hello(2, first.welcome.tok))
    second.send([order(1), order(2)])
    expect(await first.peer.closed).toMatchObject({ code: 4409 })
    expect(second.all('welcome')).toEqual([])
    open()
    expect((await second.next('welcome')).data).toMatchObject({ tok: first.welcome.tok, ack: 1 })
    await expect.poll(() => ackOf(second)).toBe(2)
    expect(applied).toEqual(['a1', 'b2'])
  })

  test('a server that closes finishes what it applies, and the other knows of it', async () => {
    const { open, opened } = gate()
    const applied: unknown[] = []
    const [a, b] = await startTwo({
      async onMessage({ data }) {
        await opened
        applied.push(data)
      },
    })
    const first = await greet(a.url, 1)
    const begun = new Promise(resolve => a.on('message', resolve))
    first.peer.send(order(1))
    await begun
    const closed = a.close()
    const second = await connect(b.url)
    second.send(hello(2, first.welcome.tok))
    second.send(order(1))
    await first.peer.closed
    open()
    await closed
    expect((await second.next('welcome')).data).toMatchObject({ ack: 1 })
    await expect.poll(() => ackOf(second)).toBe(1)
    expect(applied).toEqual([1])
  })

  test('a handler that never ends on one does not lock its client out of the other', async () => {
    const begun: string[] = []
    const options = (name: string): ServerOptions => ({
      handlerTimeoutMs: 300,
      onMessage({ data }) {
        begun.push(`${name}${data}`)
        return name === 'a' ? new Promise(() => {}) : undefined
      },
    })
    const keyPrefix = `test-${++prefixes}:`
    const a = await startServer({ ...options('a'), broker: createBroker(redis.url, { keyPrefix }) })
    const b = await startServer({ ...options('b'), broker: createBroker(redis.url, { keyPrefix }) })
    const first = await greet(a.url, 1)
    first.peer.send(order(1))
    await expect.poll(() => begun).toEqual(['a1'])
    const second = await connect(b.url)
    second.send(hello(2, first.welcome.tok))
    expect((await second.next('welcome')).data).toMatchObject({
      tok: first.welcome.tok,
      ack: 1,
      refused: [{ seq: 1, code: 'TIMEOUT' }],
    })
    second.send([order(1), order(2)])
    await expect.poll(() => ackOf(second)).toBe(2)
    expect(begun).toEqual(['a1', 'b2'])
  })

  test('a contact that knows only the sid ends nothing on another server', async () => {
    const applied: unknown[] = []
    const [a, b] = await startTwo({ onMessage: ({ data }) => void applied.push(data) })
    const owner = await greet(a.url, 1)
    const thief = await greet(b.url, Number.MAX_SAFE_INTEGER)
    expect(thief.welcome).toMatchObject({ ack: 0 })
    expect(thief.welcome.tok).not.toBe(owner.welcome.tok)
    owner.peer.send(order(1))
    await expect.poll(() => ackOf(owner.peer)).toBe(1)
    const back = await greet(b.url, 2, owner.welcome.tok)
    expect(back.welcome).toMatchObject({ tok: owner.welcome.tok, ack: 1 })
    expect(await owner.peer.closed).toMatchObject({ code: 4409 })
    expect(thief.peer.socket.readyState).toBe(thief.peer.socket.OPEN)
    expect(applied).toEqual([1])
  })

  test('the newer connection closes an older one on another server with 4409, and an older one never comes in', async () => {
    const [a, b] = await startTwo()
    const old = await greet(a.url, 5)
    await greet(b.url, 6, old.welcome.tok)
    expect(await old.peer.closed).toMatchObject({ code: 4409 })
    const late = await connect(a.url)
    late.send(hello(5, old.welcome.tok))
    expect(await late.closed).toMatchObject({ code: 4409 })
  })

  test('a word that a session was taken, but comes late, closes no newer connection', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const [a, b] = [createBroker(redis.url, { keyPrefix }), createBroker(redis.url, { keyPrefix })]
    const taken: number[] = []
    await a.attach(
      () => {},
      (_, gen) => taken.push(gen),
    )
    const [, topic = ''] = (
      (await redis.command('PUBSUB', 'CHANNELS', `${keyPrefix}*`)) as string[]
    ).sort()
    expect(topic).toContain('taken')
    await b.attach(() => {})
    const ttlMs = 60_000
    const { tok } = (await a.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    await b.sessions.contact('s', { tok, gen: 2, ttlMs })
    await expect.poll(() => taken).toEqual([2])
    await a.sessions.contact('s', { tok, gen: 3, ttlMs })
    for (const word of [`2 s ${tok}`, `3 s ${tok}`, `4 s ${tok}`])
      await redis.command('PUBLISH', topic, word)
    await expect.poll(() => taken).toEqual([2, 4])
  })

  test('a server just connected judges nobody dead: another one may have had no time yet to say that it lives', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const a = createBroker(redis.url, { keyPrefix, leaseMs: 2000 })
    await a.attach(() => {})
    const ttlMs = 60_000
    const { tok = '' } = (await a.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    await a.sessions.begin('s', tok, 1)
    // As if Redis had stood still for longer than the lease.
    const [server = ''] = (await redis.command('KEYS', `${keyPrefix}server:*`)) as string[]
    const b = createBroker(redis.url, { keyPrefix, leaseMs: 60_000 })
    await b.attach(() => {})
    await redis.command('DEL', server)
    const contact = b.sessions.contact('s', { tok, gen: 2, ttlMs })
    await expect.poll(() => redis.command('EXISTS', server)).toBe(1)
    await a.sessions.advance('s', tok, 1)
    expect(await contact).toMatchObject({ tok, last: 1 })
  })

  test('what went on to another server begins nothing more here', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const [a, b] = [createBroker(redis.url, { keyPrefix }), createBroker(redis.url, { keyPrefix })]
    await a.attach(() => {})
    await b.attach(() => {})
    const ttlMs = 60_000
    const { tok = '' } = (await a.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    expect(await a.sessions.begin('s', tok, 1)).toBe(0)
    const contact = b.sessions.contact('s', { tok, gen: 2, ttlMs })
    await expect.poll(() => a.sessions.begin('s', tok, 2)).toBeUndefined()
    expect(await a.sessions.advance('s', tok, 1)).toBe(true)
    expect(await contact).toMatchObject({ last: 1 })
    expect(await a.sessions.begin('s', tok, 2)).toBeUndefined()
    expect(await b.sessions.begin('s', tok, 2)).toBe(1)
  })

  test('a turn that was taken away from a server taken for dead records nothing', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const broker = createBroker(redis.url, { keyPrefix })
    await broker.attach(() => {})
    const ttlMs = 60_000
    const { tok = '' } =
      (await broker.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    await broker.sessions.begin('s', tok, 1)
    await redis.command(
      'HSET',
      `${keyPrefix}session:s ${tok}`,
      'busy',
      'another',
      'turn',
      'of-another',
    )
    expect(await broker.sessions.advance('s', tok, 1)).toBe(false)
  })

  test('an answer that is lost may be asked for again: a turn begins once, and ends once', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const broker = createBroker(redis.url, { keyPrefix })
    await broker.attach(() => {})
    const ttlMs = 60_000
    const { tok = '' } =
      (await broker.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    const keys = [`${keyPrefix}session:s ${tok}`, `${keyPrefix}refused:s ${tok}`]
    const field = async (name: string) => `${await redis.command('HGET', keys[0] ?? '', name)}`
    const run = async ({ text }: { text: string }, turn: string, ...more: string[]) => {
      const common = [await field('life'), await field('owner'), '-1', '1', `${keyPrefix}server:`]
      return redis.command('EVAL', text, '2', ...keys, ...common, tok, '1', turn, ...more)
    }
    const refused = JSON.stringify({ seq: 1, code: 'FORBIDDEN', message: 'no' })
    for (let time = 0; time < 2; time++) expect(await run(BEGIN, 'mine')).toBe('0')
    expect(await run(BEGIN, 'not mine')).toBe('busy')
    for (let time = 0; time < 2; time++) {
      expect(await run(ADVANCE, 'mine', '1', refused, '256')).toBe(1)
    }
    expect(await run(ADVANCE, 'not mine', '1', refused, '256')).toBe(0)
    expect(await redis.command('LLEN', keys[1] ?? '')).toBe(1)
  })

  test('a broker that leaves ends its turns first, and begins no more', async () => {
    const keyPrefix = `test-${++prefixes}:`
    const [a, b] = [createBroker(redis.url, { keyPrefix }), createBroker(redis.url, { keyPrefix })]
    const detach = await a.attach(() => {})
    await b.attach(() => {})
    const ttlMs = 60_000
    const { tok = '' } = (await a.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })) ?? {}
    await a.sessions.begin('s', tok, 1)
    const left = detach()
    expect(await a.sessions.begin('other', tok, 1)).toBeUndefined()
    const contact = b.sessions.contact('s', { tok, gen: 2, ttlMs })
    expect(await a.sessions.advance('s', tok, 1)).toBe(true)
    await left
    expect(a.ready()).toBe(false)
    expect(await contact).toMatchObject({ tok, last: 1 })
  })

  test('a session goes from a WebSocket here to POST there and back', async () => {
    const applied: unknown[] = []
    const [a, b] = await startTwo({ onMessage: ({ data }) => void applied.push(data) })
    const { peer, welcome } = await greet(a.url, 1)
    peer.send(order(1))
    await expect.poll(() => ackOf(peer)).toBe(1)
    const { tok } = welcome
    const response = await fetch(`${b.http}/api/market/snapshot`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        sid: 'a-session-of-this-test',
        tok,
        gen: 2,
        messages: [order(1), order(2)],
      }),
    })
    expect(await response.json()).toMatchObject({ tok, ack: 2 })
    expect(await peer.closed).toMatchObject({ code: 4409 })
    const back = await greet(a.url, 3, tok)
    expect(back.welcome).toMatchObject({ tok, ack: 2 })
    expect(applied).toEqual([1, 2])
  })

  test('a client thrown from one to the other: every message is applied once, in order', async () => {
    const applied: unknown[] = []
    let work = 0
    const servers = await startTwo({
      rateLimit: false,
      async onMessage({ data }) {
        // Every third takes its time, so that the client often leaves in its middle.
        if (++work % 3 === 0) await new Promise(resolve => setTimeout(resolve, 15))
        applied.push(data)
      },
    })
    let turn = 0
    const { socket, gaps } = createClient(() => servers[turn++ % 2]?.url ?? '')
    const heard: unknown[] = []
    await socket.subscribe('A', ({ data }) => heard.push(data)).ready
    const states: string[] = []
    const numbers = Array.from({ length: 150 }, (_, at) => at + 1)
    const sent = numbers.map(async data => {
      const { state } = await socket.send({ type: 'order', data }).settled
      states.push(state)
      await servers[data % 2]?.publish('A', { type: 'tick', data: states.length })
    })
    let moving = true
    const move = async (): Promise<void> => {
      while (moving) {
        await new Promise(resolve => setTimeout(resolve, 40))
        socket.reconnect()
      }
    }
    const moved = move()
    await Promise.all(sent)
    moving = false
    await moved
    expect(new Set(states)).toEqual(new Set(['acked']))
    expect(applied).toEqual(numbers)
    expect(turn).toBeGreaterThan(10)
    await expect.poll(() => heard.length).toBe(150)
    expect(new Set(heard).size).toBe(150)
    expect(gaps).toEqual([])
  })
})
