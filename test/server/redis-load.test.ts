import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { atEnd, createBroker } from './redis-support.ts'
import { startServer } from './support.ts'

let redis: RedisServer | undefined
afterEach(async () => {
  await redis?.end()
  redis = undefined
})

const startHere = async (...options: string[]): Promise<RedisServer> => {
  redis = await startRedis(...options)
  return redis
}

const MESSAGES = 1000

/** How often Redis has run a command since it was asked last. */
const callsOf = async (here: RedisServer, command: string): Promise<number> => {
  const stats = String(await here.command('INFO', 'commandstats'))
  await here.command('CONFIG', 'RESETSTAT')
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
}

/** Clients that only count: reading is not to take the time of the server, which is in the same process. */
const returnAtOnce = async (url: string, hellos: readonly object[]) => {
  const closes: number[] = []
  let ticks = 0
  const sockets = hellos.map(() => new WebSocket(url))
  atEnd(() => {
    for (const socket of sockets) socket.terminate()
  })
  await Promise.all(sockets.map(socket => once(socket, 'open')))
  for (const [index, socket] of sockets.entries()) {
    socket.on('close', code => closes.push(code))
    socket.on('message', (data: Buffer) => {
      ticks += data.toString('latin1').split('"type":"tick"').length - 1
    })
    socket.send(JSON.stringify(hellos[index]))
  }
  return { closes, ticks: () => ticks }
}

describe.skipIf(!hasRedis)('Redis under load', () => {
  test('two hundred clients that come back at once for a thousand messages each get them, and Redis is read for all at once', async () => {
    const here = await startHere()
    const lines: string[] = []
    const broker = createBroker(here.url, { logger: { warn: line => void lines.push(`${line}`) } })
    const server = await startServer({ broker })
    const published = Array.from({ length: MESSAGES }, () =>
      server.publish('A', { type: 'tick', data: 'x'.repeat(1000) }),
    )
    const { epoch = '' } = (await Promise.all(published))[0] ?? {}
    await callsOf(here, 'xrange')
    const { closes, ticks } = await returnAtOnce(
      server.url,
      Array.from({ length: 200 }, (_, index) => ({
        type: 'hello',
        // Not all of them left at the same moment.
        data: {
          sid: `a-client-that-returns-${index}`,
          gen: 1,
          channels: { A: { epoch, offset: index % 4 } },
        },
      })),
    )
    await expect
      .poll(() => [closes, lines, ticks()], { timeout: 50_000 })
      .toEqual([[], [], 200 * MESSAGES - 300])
    // Of fifty messages each: a read of the first who asked, and one or a few of all others.
    expect(await callsOf(here, 'xrange')).toBeLessThan((10 * MESSAGES) / 50)
  }, 60_000)

  test('what would be a gap anyway is not read', async () => {
    const here = await startHere()
    const broker = createBroker(here.url, { historySize: 2000 })
    const server = await startServer({ broker })
    const published = Array.from({ length: MESSAGES + 5 }, () =>
      server.publish('A', { type: 'tick' }),
    )
    const { epoch = '' } = (await Promise.all(published))[0] ?? {}
    await callsOf(here, 'xrange')
    const recover = async (position: object) => {
      const socket = new WebSocket(server.url)
      atEnd(() => socket.terminate())
      await once(socket, 'open')
      const answer = new Promise<Record<string, unknown>>(resolve =>
        socket.on('message', data => {
          const messages = [JSON.parse(String(data))].flat()
          const subscribed = messages.find(({ type }) => type === 'subscribed')
          if (subscribed) resolve(subscribed.data.channels.A)
        }),
      )
      socket.send(JSON.stringify({ type: 'subscribe', data: { channels: { A: position } } }))
      return answer
    }
    expect(await recover({ epoch: 'another', offset: 0 })).toMatchObject({ reason: 'epoch' })
    expect(await recover({ epoch, offset: 1 })).toMatchObject({ reason: 'limit' })
    expect(await callsOf(here, 'xrange')).toBe(0)
    expect(await recover({ epoch, offset: MESSAGES })).toMatchObject({ replayed: 5 })
    expect(await callsOf(here, 'xrange')).toBe(1)
  })

  test('a history of many megabytes comes in parts, whole and in order', async () => {
    const here = await startHere()
    const broker = createBroker(here.url)
    const other = createBroker(here.url)
    const text = 'x'.repeat(60_000)
    for (let data = 1; data <= 100; data++) await broker.publish('A', { type: 'tick', data: text })
    await callsOf(here, 'evalsha')
    const reading = broker.history('A', 10)
    // Between two parts others have their turn.
    await other.publish('A', { type: 'tick', data: text })
    const { offset, messages } = await reading
    expect(messages.map(message => message.offset)).toEqual(
      Array.from({ length: offset - 10 }, (_, index) => 11 + index),
    )
    expect(await callsOf(here, 'evalsha')).toBeGreaterThan(10)
  })

  test('what is published while a history is read takes nothing from it, also at its limit', async () => {
    const here = await startHere()
    const [broker, other] = [createBroker(here.url), createBroker(here.url)]
    const text = 'x'.repeat(60_000)
    for (let data = 1; data <= 50; data++) await broker.publish('A', { type: 'tick', data: text })
    await other.history('B')
    const reading = broker.history('A', 0, { limit: 50 })
    // The second part is read after this.
    await new Promise(resolve => setImmediate(resolve))
    const [{ offset, messages }] = await Promise.all([
      reading,
      other.publish('A', { type: 'tick' }),
    ])
    expect(offset).toBe(50)
    expect(messages.map(message => message.offset)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    )
  })

  test('what is trimmed while it is read is left out, without a hole', async () => {
    const here = await startHere()
    const [broker, other] = [createBroker(here.url), createBroker(here.url, { historySize: 20 })]
    const text = 'x'.repeat(60_000)
    for (let data = 1; data <= 100; data++) await broker.publish('A', { type: 'tick', data: text })
    await other.history('B')
    const reading = broker.history('A')
    await other.publish('A', { type: 'tick', data: text })
    const { offset, messages } = await reading
    expect(messages.at(-1)?.offset).toBe(offset)
    expect(messages.map(message => message.offset)).toEqual(
      messages.map((_, index) => offset - messages.length + 1 + index),
    )
    expect(messages.length).toBeLessThanOrEqual(20)
  })
})

describe.skipIf(!hasRedis)('a Redis Cluster', () => {
  test('is refused by name when the server starts, and by every publication', async () => {
    const here = await startHere('--cluster-enabled', 'yes')
    const broker = createBroker(here.url)
    const refusal =
      /expected a single Redis, got a Redis Cluster at 127\.0\.0\.1:\d+.*cluster-enabled/
    await expect(startServer({ broker })).rejects.toThrow(refusal)
    await expect(broker.publish('A', { type: 'tick' })).rejects.toThrow(refusal)
    expect(broker.ready()).toBe(false)
  })

  test('is refused by name when it comes in place of one that was away', async () => {
    const here = await startHere('--cluster-enabled', 'yes')
    await here.kill()
    const lines: string[] = []
    const broker = createBroker(here.url, { logger: { error: line => void lines.push(`${line}`) } })
    const server = await startServer({ broker })
    await here.start()
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatch(/expected a single Redis, got a Redis Cluster/)
    expect((await fetch(`${server.http}/readyz`)).status).toBe(503)
    await expect(server.publish('A', { type: 'tick' })).rejects.toThrow('Redis Cluster')
  })
})
