import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  BrokerError,
  type Published,
  type RedisBroker,
  type ServerOptions,
} from '../../src/server/index.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { ackOf, createBroker, createClient, gate, greet, order } from './redis-support.ts'
import { connect, type RunningServer, startServer } from './support.ts'

const APPENDS = ['--appendonly', 'yes', '--appendfsync', 'always']

let redis: RedisServer | undefined
afterEach(async () => {
  await redis?.end()
  redis = undefined
})

const startHere = async (...options: string[]): Promise<RedisServer> => {
  redis = await startRedis(...options)
  return redis
}

const startWith = async (
  broker: RedisBroker,
  options: ServerOptions = {},
): Promise<RunningServer> => startServer({ broker, ...options })

const readyz = async ({ http }: RunningServer): Promise<number> =>
  (await fetch(`${http}/readyz`)).status

const publish = async (broker: RedisBroker, from: number, to: number): Promise<void> => {
  for (let data = from; data <= to; data++) await broker.publish('A', { type: 'tick', data })
}

const numbers = (to: number): number[] => Array.from({ length: to }, (_, at) => at + 1)

/** A client that listens to A and remembers what it heard. */
const listen = async (url: string) => {
  const { socket, gaps } = createClient(url)
  const heard: unknown[] = []
  await socket.subscribe('A', ({ type, data }) => {
    if (type === 'tick') heard.push(data)
  }).ready
  return { socket, gaps, heard }
}

describe.skipIf(!hasRedis)('Redis goes away', () => {
  test('publish() rejects, /readyz is 503, newcomers are sent away; all is well when it is back', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const server = await startWith(broker)
    expect(await readyz(server)).toBe(200)
    const stayed = await connect(server.url)
    await here.kill()
    await expect.poll(() => readyz(server)).toBe(503)
    const failure = server.publish('A', { type: 'tick' })
    await expect(failure).rejects.toThrow(BrokerError)
    await expect(failure).rejects.toMatchObject({ code: 'away' })
    const newcomer = await connect(server.url)
    newcomer.send({ type: 'hello', data: { sid: 'another-session-of-it', gen: 1, channels: {} } })
    expect(await newcomer.closed).toMatchObject({ code: 1013 })
    const poll = await fetch(`${server.http}/api/market/snapshot?symbols=A`)
    expect(poll.status).toBe(503)
    expect((await fetch(`${server.http}/healthz`)).status).toBe(200)
    await here.start()
    await expect.poll(() => readyz(server)).toBe(200)
    expect(await server.publish('A', { type: 'tick' })).toMatchObject({ offset: 1 })
    await stayed.settled()
  })

  test('a subscriber that asks meanwhile is sent away instead of left waiting for ever', async () => {
    const here = await startHere()
    const server = await startWith(createBroker(here.url))
    const { peer } = await greet(server.url, 1)
    await here.kill()
    peer.send({ type: 'subscribe', data: { channels: { A: null } } })
    expect(await peer.closed).toMatchObject({ code: 1013 })
  })

  test('a server may start before its Redis', async () => {
    const here = await startHere()
    await here.kill()
    const server = await startWith(createBroker(here.url))
    expect(await readyz(server)).toBe(503)
    await here.start()
    await expect.poll(() => readyz(server)).toBe(200)
    await server.publish('A', { type: 'tick' })
  })

  test('back with all its data: nothing is missing, nothing is doubled, and nobody is told of a gap', async () => {
    const here = await startHere(...APPENDS)
    const broker = createBroker(here.url)
    const applied: unknown[] = []
    const server = await startWith(broker, { onMessage: ({ data }) => void applied.push(data) })
    const { socket, gaps, heard } = await listen(server.url)
    await publish(broker, 1, 3)
    expect((await socket.send({ type: 'order', data: 1 }).settled).state).toBe('acked')
    await here.kill()
    await expect.poll(() => broker.ready()).toBe(false)
    const meanwhile = socket.send({ type: 'order', data: 2 })
    await here.start()
    await expect.poll(() => broker.ready()).toBe(true)
    expect((await meanwhile.settled).state).toBe('acked')
    await publish(broker, 4, 6)
    await expect.poll(() => heard).toEqual(numbers(6))
    expect(applied).toEqual([1, 2])
    expect(gaps).toEqual([])
  })

  test('what was being applied when it went is not applied again when it is back', async () => {
    const here = await startHere(...APPENDS)
    const broker = createBroker(here.url)
    const { open, opened } = gate()
    const applied: unknown[] = []
    const server = await startWith(broker, {
      async onMessage({ data }) {
        await opened
        applied.push(data)
      },
    })
    const begun = new Promise(resolve => server.on('message', resolve))
    const { peer, welcome } = await greet(server.url, 1)
    peer.send(order(1))
    await begun
    await here.kill()
    await expect.poll(() => broker.ready()).toBe(false)
    open()
    await expect.poll(() => applied).toEqual([1])
    await here.start()
    await expect.poll(() => ackOf(peer)).toBe(1)
    const back = await greet(server.url, 2, welcome.tok)
    expect(back.welcome.ack).toBe(1)
    back.peer.send(order(1))
    await expect.poll(() => ackOf(back.peer)).toBe(1)
    expect(applied).toEqual([1])
  })

  test('back without its data: a gap is told, and what was in flight is unknown', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const { open, opened } = gate()
    const server = await startWith(broker, { onMessage: () => opened })
    const { socket, gaps, heard } = await listen(server.url)
    await publish(broker, 1, 3)
    await expect.poll(() => heard).toEqual([1, 2, 3])
    const begun = new Promise(resolve => server.on('message', resolve))
    const inFlight = socket.send({ type: 'order', data: 1 })
    await begun
    await here.kill()
    await here.start()
    await expect.poll(() => broker.ready()).toBe(true)
    open()
    expect((await inFlight.settled).state).toBe('unknown')
    expect((await socket.send({ type: 'order', data: 2 }).settled).state).toBe('acked')
    await publish(broker, 4, 5)
    await expect.poll(() => heard).toEqual([1, 2, 3, 4, 5])
    expect(gaps).toEqual(['epoch'])
  })

  test('back without its end: a client that knows more is told of a gap, and of what is unknown', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const server = await startWith(broker)
    const { socket, gaps, heard } = await listen(server.url)
    await publish(broker, 1, 3)
    expect((await socket.send({ type: 'order', data: 1 }).settled).state).toBe('acked')
    await here.command('SAVE')
    await publish(broker, 4, 5)
    expect((await socket.send({ type: 'order', data: 2 }).settled).state).toBe('acked')
    await expect.poll(() => heard).toEqual(numbers(5))
    await here.kill()
    await here.start()
    await expect.poll(() => broker.ready()).toBe(true)
    // By offset these would be the fourth to the seventh, and the first two of them taken for old ones.
    await publish(broker, 6, 9)
    await expect.poll(() => heard).toEqual(numbers(9))
    expect(gaps).toEqual(['epoch'])
    // Its place would be the third, where Redis knows of one: ignored, and waited for without end.
    const { state } = await socket.send({ type: 'order', data: 3 }).settled
    expect(state).toBe('unknown')
    expect((await socket.send({ type: 'order', data: 4 }).settled).state).toBe('acked')
  })

  test('who lived through vouches for what it finds, and others believe it then', async () => {
    const here = await startHere(...APPENDS)
    const [witness, other] = [createBroker(here.url), createBroker(here.url)]
    await witness.attach(() => {})
    const { epoch } = await witness.publish('A', { type: 'tick' })
    const life = await here.command('HGET', 'rws:channel:A', 'life')
    await here.kill()
    await here.start()
    // Without a publication of its own: it looks after all that it has heard of.
    await expect.poll(() => here.command('HGET', 'rws:channel:A', 'life')).not.toBe(life)
    expect(await other.publish('A', { type: 'tick' })).toEqual({ epoch, offset: 2 })
  })

  test('who only publishes vouches as well', async () => {
    const here = await startHere(...APPENDS)
    const broker = createBroker(here.url)
    const { epoch } = await broker.publish('A', { type: 'tick' })
    await here.kill()
    await here.start()
    await expect.poll(() => broker.ready()).toBe(true)
    expect(await broker.publish('A', { type: 'tick' })).toEqual({ epoch, offset: 2 })
  })

  test('who did not live through it believes nothing', async () => {
    const here = await startHere(...APPENDS)
    const old = createBroker(here.url)
    const { epoch } = await old.publish('A', { type: 'tick' })
    await old.close()
    await here.kill()
    await here.start()
    const next = await createBroker(here.url).publish('A', { type: 'tick' })
    expect(next.offset).toBe(1)
    expect(next.epoch).not.toBe(epoch)
  })

  test('who knows less than another vouches for nothing that the other knows to be lost', async () => {
    const here = await startHere()
    const [witness, other] = [createBroker(here.url), createBroker(here.url)]
    const heard: Published[] = []
    await publish(other, 1, 3)
    await witness.attach(published => heard.push(published))
    await here.command('SAVE')
    await publish(witness, 4, 5)
    await expect.poll(() => heard.length).toBe(2)
    const epoch = heard[0]?.epoch
    await here.kill()
    await here.start()
    await expect.poll(() => here.command('HGET', 'rws:channel:A', 'epoch')).not.toBe(epoch)
    await expect.poll(() => other.ready()).toBe(true)
    expect(await other.publish('A', { type: 'tick' })).toMatchObject({ offset: 1 })
  })

  test('a Redis that comes back with a history of long ago brings nothing of it again', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const heard: Published[] = []
    await broker.attach(published => heard.push(published))
    await publish(broker, 1, 3)
    await here.command('SAVE')
    await here.command('FLUSHALL')
    await publish(broker, 4, 5)
    // What was on its way when Redis died is lost with it, and told.
    await expect.poll(() => heard.at(-1)?.message.data).toBe(5)
    await here.kill()
    await here.start()
    await expect.poll(() => here.command('EXISTS', 'rws:channel:A')).toBe(1)
    await expect.poll(() => broker.ready()).toBe(true)
    await publish(broker, 6, 6)
    await expect.poll(() => heard.at(-1)?.message.data).toBe(6)
    expect(heard.map(({ message }) => message.data)).toEqual(numbers(6))
  })

  test('who only publishes notices a loss as well', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    await publish(broker, 1, 3)
    await here.command('SAVE')
    const { epoch } = await broker.publish('A', { type: 'tick' })
    await here.kill()
    await here.start()
    await expect.poll(() => broker.ready()).toBe(true)
    const next = await broker.publish('A', { type: 'tick' })
    expect(next.offset).toBe(1)
    expect(next.epoch).not.toBe(epoch)
  })

  test('a session that nobody can vouch for is another one', async () => {
    const here = await startHere(...APPENDS)
    const [a, b] = [createBroker(here.url), createBroker(here.url)]
    await a.attach(() => {})
    await b.attach(() => {})
    const ttlMs = 60_000
    const first = await a.sessions.contact('s', { tok: undefined, gen: 1, ttlMs })
    const tok = first?.tok ?? ''
    await a.sessions.advance('s', tok, 1)
    await here.kill()
    await here.start()
    await expect.poll(() => a.ready() && b.ready()).toBe(true)
    expect(await a.sessions.contact('s', { tok, gen: 2, ttlMs })).toMatchObject({ tok, last: 1 })
    expect(await b.sessions.contact('s', { tok, gen: 3, ttlMs })).toMatchObject({ tok, last: 1 })
    await here.kill()
    await here.start()
    await expect.poll(() => a.ready() && b.ready()).toBe(true)
    const lost = await a.sessions.contact('s', { tok, gen: 4, ttlMs })
    expect(lost?.tok).not.toBe(tok)
    expect(lost?.last).toBe(0)
  })

  test('it stands still for a while: away, then back; nothing is missing, and what is unknown may be there', async () => {
    const here = await startHere()
    // A beat of 500 ms: it is away after two of them at most.
    const broker = createBroker(here.url, { leaseMs: 2000 })
    const server = await startWith(broker)
    const { gaps, heard } = await listen(server.url)
    await publish(broker, 1, 3)
    here.pause()
    const stuck = broker.publish('A', { type: 'tick', data: 'stuck' })
    await expect(stuck).rejects.toMatchObject({ code: 'unknown' })
    expect(await readyz(server)).toBe(503)
    await expect(publish(broker, 0, 0)).rejects.toMatchObject({ code: 'away' })
    here.resume()
    await expect.poll(() => readyz(server)).toBe(200)
    await publish(broker, 4, 6)
    await expect.poll(() => heard.filter(data => data !== 'stuck')).toEqual(numbers(6))
    expect(heard.filter(data => data === 'stuck').length).toBeLessThanOrEqual(1)
    expect(heard.length).toBe((await broker.history('A')).messages.length)
    expect(gaps).toEqual([])
  })

  test('where the beat alone hangs it is away before the lease ends, however much the others hear', async () => {
    const here = await startHere()
    let isStuck = false
    // Swallows the beat, which is the only one to set a key by hand.
    const between = createServer(near => {
      const far = createConnection(Number(new URL(here.url).port), '127.0.0.1')
      let beats = false
      near.on('data', data => {
        beats ||= /\r\nSET\r\n/.test(`${data}`)
        if (!beats || !isStuck) far.write(data)
      })
      far.pipe(near)
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        one.on('error', () => {})
        one.on('close', () => other.destroy())
      }
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    const { port } = between.address() as AddressInfo
    const lines: string[] = []
    const broker = createBroker(`redis://127.0.0.1:${port}`, {
      leaseMs: 2000,
      logger: { warn: line => void lines.push(`${line}`) },
    })
    await broker.attach(() => {})
    await publish(broker, 1, 1)
    isStuck = true
    // The others hear of Redis all the time.
    for (let away = false; !away; ) {
      await broker.history('A').catch(() => {
        away = true
      })
    }
    expect(lines).toEqual([expect.stringMatching(/is away: No answer for/)])
    // The key that says that this server lives has not ended yet.
    expect(await here.command('KEYS', '*server*')).toHaveLength(1)
    await broker.close()
    between.close()
  })

  test('what was published while the connection was cut is brought in order, once', async () => {
    const here = await startHere()
    const [a, b] = [createBroker(here.url), createBroker(here.url)]
    const heard: Published[] = []
    await b.attach(published => heard.push(published))
    await a.attach(() => {})
    await publish(a, 1, 3)
    await expect.poll(() => heard.length).toBe(3)
    const clients = String(await here.command('CLIENT', 'LIST', 'TYPE', 'pubsub'))
    const ids = [...clients.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id))
    expect(ids).toHaveLength(2)
    // The listening connection of b, which was there first. Redis lists them in any order.
    const id = `${Math.min(...ids)}`
    await here.command('CLIENT', 'KILL', 'ID', id)
    await publish(a, 4, 50)
    await expect.poll(() => heard.length).toBe(50)
    expect(heard.map(({ message }) => message.data)).toEqual(numbers(50))
  })

  test('closing while it is away leaves at once, and a broker may be used again', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const detach = await broker.attach(() => {})
    await here.kill()
    await expect.poll(() => broker.ready()).toBe(false)
    await detach()
    await here.start()
    const again = await broker.attach(() => {})
    await broker.publish('A', { type: 'tick' })
    await again()
    expect(broker.ready()).toBe(false)
    await expect
      .poll(async () => /server:/.test(String(await here.command('KEYS', '*'))))
      .toBe(false)
  })

  test('words of the log name Redis and what is wrong, and no password', async () => {
    const here = await startHere('--requirepass', 'a-secret')
    const lines: string[] = []
    const log = (...words: unknown[]): void => void lines.push(words.join(' '))
    const logger = { debug: log, info: log, warn: log, error: log }
    const at = `127.0.0.1:${here.port}`
    const wrong = createBroker(`redis://:another-secret@${at}`, { logger })
    await expect(wrong.publish('A', { type: 't' })).rejects.toThrow(`Redis at ${at} is away`)
    const right = createBroker(`redis://default:a-secret@${at}`, { logger })
    await right.publish('A', { type: 't' })
    await right.attach(() => {})
    await here.kill()
    await expect.poll(() => right.ready()).toBe(false)
    await here.start()
    await expect.poll(() => right.ready()).toBe(true)
    expect(lines[0]).toMatch(`Redis at ${at} is away: WRONGPASS`)
    expect(lines.at(-1)).toBe(`Redis at ${at} is back`)
    expect(lines).toHaveLength(3)
    expect(lines.join()).not.toContain('secret')
  })

  test('an old Redis that repeats what it did not understand does not bring the password into the log', async () => {
    const old = createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', () => socket.write("-ERR unknown command 'HELLO', args: 'AUTH' 'p@ss'\r\n"))
    })
    old.listen(0, '127.0.0.1')
    await once(old, 'listening')
    const lines: string[] = []
    const logger = { warn: (...words: unknown[]) => void lines.push(words.join(' ')) }
    const { port } = old.address() as AddressInfo
    const broker = createBroker(`redis://:p%40ss@127.0.0.1:${port}`, { logger })
    await expect(broker.history('A')).rejects.toThrow(BrokerError)
    await broker.close()
    old.close()
    expect(lines[0]).toContain("unknown command 'HELLO', args: 'AUTH' '***'")
    expect(lines.join()).not.toMatch(/p@ss|p%40ss/)
  })

  test('a broker that was left is not joined again by whoever still reads', async () => {
    const here = await startHere()
    const left = async (): Promise<void> => {
      // The one that asks is the only one.
      const list = async () =>
        String(await here.command('CLIENT', 'LIST'))
          .trim()
          .split('\n')
      await expect.poll(list).toHaveLength(1)
    }
    const broker = createBroker(here.url)
    const detach = await broker.attach(() => {})
    const reading = broker.history('A').catch(() => {})
    await detach()
    await reading
    const closed = { name: 'BrokerError', code: 'away', message: 'The broker is closed' }
    await expect(broker.history('A')).rejects.toMatchObject(closed)
    await expect(broker.newest('A')).rejects.toMatchObject(closed)
    await expect(broker.channels(1)).rejects.toMatchObject(closed)
    await left()
    // Closed before it was there.
    const other = createBroker(here.url)
    const joining = other.attach(() => {})
    await other.close()
    await expect(joining).rejects.toMatchObject(closed)
    await left()
    expect(await broker.publish('A', { type: 'tick' })).toMatchObject({ offset: 1 })
    expect((await broker.history('A')).messages).toHaveLength(1)
  })

  test('every key of a channel or session ends some day, and asking for channels makes none', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    await broker.attach(() => {})
    for (let at = 0; at < 20; at++) await broker.history(`unknown-${at}`)
    expect(await here.command('DBSIZE')).toBe(3)
    await publish(broker, 1, 3)
    const { tok = '' } =
      (await broker.sessions.contact('s', { tok: undefined, gen: 1, ttlMs: 60_000 })) ?? {}
    const refused = { seq: 1, code: 'FORBIDDEN', message: 'no' }
    await broker.sessions.begin('s', tok, 1)
    await broker.sessions.advance('s', tok, 1, refused)
    const keys = (await here.command('KEYS', '*')) as string[]
    expect(keys.length).toBe(9)
    for (const key of keys) {
      expect([key, await here.command('PTTL', key)]).toEqual([key, expect.any(Number)])
      expect(await here.command('PTTL', key), key).toBeGreaterThan(0)
    }
  })
})
