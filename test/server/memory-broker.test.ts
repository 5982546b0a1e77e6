import { expect, test } from 'vitest'
import { MemoryBroker } from '../../src/server/index.ts'
import { brokerContract } from './broker-contract.ts'

brokerContract('MemoryBroker', () => {
  let now = 0
  return {
    broker: new MemoryBroker({ historySize: 3, historyTtlMs: 1000, now: () => now }),
    advance(ms) {
      now += ms
    },
  }
})

test('no more channels are remembered than allowed: the one that was silent longest goes', async () => {
  const broker = new MemoryBroker({ maxChannels: 2 })
  for (const channel of ['A', 'B', 'A', 'C']) await broker.publish(channel, { type: 't' })
  expect(await broker.channels(10)).toEqual(['A', 'C'])
})

test('a bad option is named', () => {
  expect(() => new MemoryBroker({ historySize: -1 })).toThrow(/historySize: expected .*, got -1/)
})
