import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { PUBLISH } from '../../src/server/broker/redis/lua-scripts.ts'
import { RedisBroker, type RedisBrokerOptions } from '../../src/server/index.ts'
import { brokerContract } from './broker-contract.ts'
import { hasRedis, type RedisServer, startRedis } from './redis-server.ts'
import { sessionsContract } from './sessions-contract.ts'

describe.skipIf(!hasRedis)('with Redis', () => {
  let redis: RedisServer
  const ends: (() => Promise<void>)[] = []
  let prefixes = 0

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) await end()
  })
  afterAll(() => redis.end())

  /** A broker with keys of its own. */
  const create = (options: Partial<RedisBrokerOptions> = {}): RedisBroker => {
    const keyPrefix = `test-${++prefixes}:`
    const broker = new RedisBroker({ url: redis.url, keyPrefix, ...options })
    ends.push(() => broker.close())
    return broker
  }

  brokerContract('RedisBroker', () => {
    let now = Date.now()
    return {
      broker: create({ historySize: 3, historyTtlMs: 1000, now: () => now }),
      advance(ms) {
        now += ms
      },
    }
  })

  // Stored in the life `first`, at offset 3 of the epoch `e`.
  test.each([
    ['in the same life it is believed', 'first', '', 0, 'e', '4'],
    ['in another one it is not', 'second', '', 0, 'new', '1'],
    ['nor by who knows of another epoch', 'second', 'other', 1, 'new', '1'],
    ['but by who lived through and knows no more', 'second', 'e', 3, 'e', '4'],
    ['or a little less', 'second', 'e', 2, 'e', '4'],
    ['not by who knows more', 'second', 'e', 4, 'new', '1'],
    ['in whatever life', 'first', 'e', 4, 'new', '1'],
  ])('what is stored is published on: %s', async (_, life, epoch, offset, expected, next) => {
    const prefix = `test-${++prefixes}:`
    const key = `${prefix}channel:A`
    await redis.command('HSET', key, 'epoch', 'e', 'offset', '3', 'life', 'first')
    const keys = [key, ...['stream', 'channels', 'silent', 'epochs'].map(name => prefix + name)]
    const words = [
      life,
      epoch,
      `${offset}`,
      'A',
      '{"type":"t"',
      'new',
      '1',
      '5',
      '1000',
      '1000',
      't',
    ]
    const answer = await redis.command('EVAL', PUBLISH.text, '5', ...keys, ...words)
    expect(answer).toEqual([expected, next])
    expect(await redis.command('HGET', key, 'life')).toBe(life)
  })

  test('databases of one Redis are apart', async () => {
    const options = { keyPrefix: `test-${++prefixes}:` }
    const [zero, one] = [create(options), create({ ...options, url: `${redis.url}/1` })]
    const heard: unknown[] = []
    await zero.attach(({ message }) => heard.push(message.data))
    await one.publish('A', { type: 't', data: 'not here' })
    await zero.publish('A', { type: 't', data: 'here' })
    await expect.poll(() => heard).toEqual(['here'])
  })

  sessionsContract('RedisBroker', async () => {
    const broker = create()
    await broker.attach(() => {})
    const age = `
      for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
        local left = redis.call('PTTL', key)
        if left > 0 then redis.call('PEXPIRE', key, left - ARGV[2]) end
      end`
    return {
      sessions: broker.sessions,
      async advance(ms) {
        await redis.command('EVAL', age, '0', `test-${prefixes}:session:*`, `${ms}`)
        await redis.command('EVAL', age, '0', `test-${prefixes}:refused:*`, `${ms}`)
      },
    }
  })
})

test.each([
  [{ url: undefined }, /url: expected 'redis:\/\/host:port' or .*, got something else/],
  [{ url: 'http://localhost' }, /url: expected/],
  [{ url: 'redis://' }, /url: expected/],
  [{ url: 'redis://localhost/name' }, /url: expected/],
  [{ url: 'redis://me:a-secret@:bad' }, /^url: expected [^@]*$/],
  [{ historySize: -1 }, /historySize: expected .*, got -1/],
  [{ historyTtlMs: 'long' }, /historyTtlMs: expected .*, got 'long'/],
  [{ leaseMs: 5 }, /leaseMs: expected a number from 100 .*, got 5/],
  [{ keyPrefix: 1 }, /keyPrefix: expected a string, got number/],
  [{ historysize: 1 }, /historysize: expected one of url, historySize/],
])('%j is a mistake that is named', (options, message) => {
  const given = { url: 'redis://localhost', ...options } as unknown as RedisBrokerOptions
  expect(() => new RedisBroker(given)).toThrow(message)
})
