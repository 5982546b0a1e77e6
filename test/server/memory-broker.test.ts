import { expect, test } from 'vitest'
import { MemoryBroker } from '../../src/server/index.ts'
import { brokerContract } from './broker-contract.ts'
import { sessionsContract } from './sessions-contract.ts'

brokerContract('MemoryBroker', () => {
  let now = 0
  return {
    broker: new MemoryBroker({ historySize: 3, historyTtlMs: 1000, now: () => now }),
    advance(ms) {
      now += ms
    },
  }
})

sessionsContract('MemoryBroker', async () => {
  let now = 0
  return {
    sessions: new MemoryBroker({ now: () => now }).sessions,
    async advance(ms) {
      now += ms
    },
  }
})

test('no more channels are remembered than allowed: the one that was silent longest goes', async () => {
  const broker = new MemoryBroker({ maxChannels: 2 })
  for (const channel of ['A', 'B', 'A', 'C']) await broker.publish(channel, { type: 't' })
  expect(await broker.channels(10)).toEqual(['A', 'C'])
})

test('asking for channels that there are not takes nothing from those that there are', async () => {
  const broker = new MemoryBroker({ maxChannels: 2 })
  const position = await broker.publish('A', { type: 't' })
  for (let index = 0; index < 5; index++) await broker.history(`unknown-${index}`)
  expect(await broker.history('A')).toMatchObject({ ...position, messages: [{ offset: 1 }] })
})

test('a channel that was asked for before its first message keeps its epoch', async () => {
  const broker = new MemoryBroker({ maxChannels: 2 })
  const { epoch } = await broker.history('A')
  expect(await broker.heads(['A'])).toEqual(new Map([['A', { epoch, offset: 0 }]]))
  expect(await broker.publish('A', { type: 't' })).toEqual({ epoch, offset: 1 })
})

test('a bad option is named', () => {
  expect(() => new MemoryBroker({ historySize: -1 })).toThrow(/historySize: expected .*, got -1/)
})
