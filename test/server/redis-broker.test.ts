import { afterAll, afterEach, beforeAll, describe } from 'vitest'
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
    const broker = new RedisBroker({ url: redis.url, keyPrefix: `test-${++prefixes}:`, ...options })
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
