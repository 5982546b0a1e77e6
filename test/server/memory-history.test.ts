import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryBroker, type Published } from '../../src/server/index.ts'
import { connect, startServer } from './support.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const TTL_MS = 60_000
const SWEEP_MS = 6000

const offsets = async (broker: MemoryBroker, channel: string): Promise<number[]> =>
  (await broker.history(channel)).messages.map(({ offset }) => offset)

const text = 'x'.repeat(1000)
/** As it is counted: its JSON, and what surrounds it. */
const size = async (): Promise<number> => {
  const broker = new MemoryBroker()
  await broker.publish('A', { type: 't', data: text })
  return broker.historyBytes
}

describe('history that nobody asks for', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  test('is let go when its time is over, though its channel is silent and nobody asks', async () => {
    const broker = new MemoryBroker({ historyTtlMs: TTL_MS })
    const messages: WeakRef<Published>[] = []
    const detach = await broker.attach(published => messages.push(new WeakRef(published)))
    for (let data = 1; data <= 3; data++) await broker.publish('A', { type: 't', data })
    await vi.advanceTimersByTimeAsync(TTL_MS + SWEEP_MS)
    await turn()
    collectGarbage()
    expect(messages.map(message => message.deref()?.offset)).toEqual([undefined, undefined, 3])
    await detach()
  })

  test('is let go of every channel in its own time, and the newest messages stay', async () => {
    const broker = new MemoryBroker({ historyTtlMs: TTL_MS })
    const one = await size()
    for (const channel of ['A', 'A', 'B', 'B']) {
      await broker.publish(channel, { type: 't', data: text })
    }
    await vi.advanceTimersByTimeAsync(TTL_MS / 2)
    await broker.publish('B', { type: 't', data: text })
    expect(broker.historyBytes).toBe(5 * one)
    await vi.advanceTimersByTimeAsync(TTL_MS / 2 + SWEEP_MS)
    // Of A its newest message, of B the one that is not too old.
    expect(broker.historyBytes).toBe(2 * one)
    await vi.advanceTimersByTimeAsync(TTL_MS)
    expect(broker.historyBytes).toBe(2 * one)
    expect((await broker.newest('A'))?.offset).toBe(2)
    expect((await broker.newest('B'))?.offset).toBe(3)
  })

  test('leaves no timer behind when nothing is remembered any more', async () => {
    const broker = new MemoryBroker({ historyTtlMs: TTL_MS })
    expect(vi.getTimerCount()).toBe(0)
    await broker.publish('A', { type: 't' })
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(TTL_MS + SWEEP_MS)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('history beyond its bytes', () => {
  test('is forgotten where publications are least recent, the oldest message first', async () => {
    const one = await size()
    const broker = new MemoryBroker({ maxHistoryBytes: 6 * one })
    for (const channel of ['A', 'A', 'A', 'B', 'B', 'B']) {
      await broker.publish(channel, { type: 't', data: text })
    }
    // Asking is not publishing.
    await broker.history('A')
    await broker.publish('B', { type: 't', data: text })
    await broker.publish('B', { type: 't', data: text })
    expect([await offsets(broker, 'A'), await offsets(broker, 'B')]).toEqual([[3], [1, 2, 3, 4, 5]])
    expect(broker.historyBytes).toBe(6 * one)
  })

  test('keeps positions, and the newest message of each channel longest', async () => {
    const one = await size()
    const broker = new MemoryBroker({ maxHistoryBytes: 3 * one })
    const { epoch } = await broker.publish('A', { type: 't', data: text })
    for (let count = 0; count < 4; count++) await broker.publish('B', { type: 't', data: text })
    expect(await broker.history('A')).toEqual({ epoch, offset: 1, messages: [] })
    expect((await broker.newest('A'))?.offset).toBe(1)
    expect(await offsets(broker, 'B')).toEqual([3, 4])
    await broker.publish('C', { type: 't', data: text })
    await broker.publish('D', { type: 't', data: text })
    expect(await broker.newest('A')).toBeUndefined()
    expect(await broker.channels(10)).toEqual(['B', 'C', 'D'])
    expect(await broker.history('A')).toEqual({ epoch, offset: 1, messages: [] })
    expect((await broker.publish('A', { type: 't' })).offset).toBe(2)
  })

  test('never grows over them, whatever is published', async () => {
    const broker = new MemoryBroker({ maxHistoryBytes: 20_000, maxChannels: 30, historySize: 10 })
    for (let count = 0; count < 5000; count++) {
      const channel = `channel-${(count * count) % 97}`
      await broker.publish(channel, { type: 't', data: 'x'.repeat((count * 7) % 900) })
      expect(broker.historyBytes).toBeLessThanOrEqual(20_000)
    }
    const names = await broker.channels(100)
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) {
      const { offset, messages } = await broker.history(name)
      const expected = messages.map((_, index) => offset - messages.length + 1 + index)
      expect(messages.map(message => message.offset)).toEqual(expected)
    }
  })

  test('a message larger than all of them is delivered, and not remembered', async () => {
    const broker = new MemoryBroker({ maxHistoryBytes: 500 })
    const heard: number[] = []
    await broker.attach(({ offset }) => heard.push(offset))
    const position = await broker.publish('A', { type: 't', data: text })
    expect(heard).toEqual([1])
    expect(broker.historyBytes).toBe(0)
    expect(await broker.history('A')).toEqual({ ...position, messages: [] })
  })

  test('a subscriber that comes back for it is told a gap: trimmed', async () => {
    const broker = new MemoryBroker({ maxHistoryBytes: 4000 })
    const server = await startServer({ broker })
    const { epoch } = await server.publish('A', { type: 't', data: text })
    await server.publish('A', { type: 't', data: text })
    for (let count = 0; count < 5; count++) await server.publish('B', { type: 't', data: text })
    const peer = await connect(server.url)
    peer.send({ type: 'subscribe', data: { channels: { A: { epoch, offset: 1 } } } })
    const { data } = await peer.next('subscribed')
    expect(data['channels']).toEqual({
      A: { epoch, offset: 2, recovered: false, replayed: 0, reason: 'trimmed' },
    })
  })
})

test('bytes that are no number of bytes are named', () => {
  expect(() => new MemoryBroker({ maxHistoryBytes: -1 })).toThrow(
    /maxHistoryBytes: expected .*, got -1/,
  )
})
