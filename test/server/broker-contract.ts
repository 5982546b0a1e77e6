import { describe, expect, test } from 'vitest'
import type { Broker, Published } from '../../src/server/index.ts'

interface Given {
  readonly broker: Broker
  readonly advance: (ms: number) => void
}

/** What every broker keeps. `create` makes one with a history of 3 messages and 1,000 ms. */
export const brokerContract = (name: string, create: () => Given | Promise<Given>): void => {
  describe(`${name} as a broker`, () => {
    test('offsets are 1, 2, 3, ... for each channel, within one epoch', async () => {
      const { broker } = await create()
      const first = await broker.publish('A', { type: 't' })
      const second = await broker.publish('A', { type: 't' })
      const other = await broker.publish('B', { type: 't' })
      expect([first.offset, second.offset, other.offset]).toEqual([1, 2, 1])
      expect(second.epoch).toBe(first.epoch)
      expect(other.epoch).not.toBe(first.epoch)
    })

    test('delivers each message to everybody attached, in order, until detached', async () => {
      const { broker } = await create()
      const heard: [Published[], Published[]] = [[], []]
      const detach = await broker.attach(published => heard[0].push(published))
      await broker.attach(published => heard[1].push(published))
      await broker.publish('A', { type: 't', data: 1 })
      await broker.publish('A', { type: 't', data: 2 })
      await expect.poll(() => heard[0].length).toBe(2)
      await detach()
      await broker.publish('A', { type: 't', data: 3 })
      await expect.poll(() => heard[1].length).toBe(3)
      expect(heard[0].map(({ message }) => message.data)).toEqual([1, 2])
      expect(heard[1].map(({ message }) => message.data)).toEqual([1, 2, 3])
      const [published] = heard[0]
      expect(published && JSON.parse(published.text)).toEqual(published?.message)
      expect(published?.message).toMatchObject({ type: 't', channel: 'A', offset: 1 })
    })

    test('gives id and timestamp where they are missing, and keeps them where they are not', async () => {
      const { broker } = await create()
      await broker.publish('A', { type: 't' })
      await broker.publish('A', { type: 't', id: 'mine', timestamp: 5 })
      const { messages } = await broker.history('A')
      expect(messages[0]?.message).toMatchObject({
        id: expect.any(String),
        timestamp: expect.any(Number),
      })
      expect(messages[1]?.message).toMatchObject({ id: 'mine', timestamp: 5 })
    })

    test('remembers the newest messages, as many as it may, without a hole', async () => {
      const { broker } = await create()
      for (let data = 1; data <= 5; data++) await broker.publish('A', { type: 't', data })
      const all = await broker.history('A')
      expect(all.offset).toBe(5)
      expect(all.messages.map(({ offset }) => offset)).toEqual([3, 4, 5])
      expect((await broker.history('A', 4)).messages.map(({ offset }) => offset)).toEqual([5])
    })

    test('forgets what is too old, but neither the position nor the newest message', async () => {
      const { broker, advance } = await create()
      const { epoch } = await broker.publish('A', { type: 't', data: 1 })
      advance(1001)
      expect(await broker.history('A')).toEqual({ epoch, offset: 1, messages: [] })
      expect((await broker.newest('A'))?.message.data).toBe(1)
    })

    test('what is of no use is left out: of another epoch, or of too many messages', async () => {
      const { broker } = await create()
      let epoch = ''
      for (let data = 1; data <= 5; data++)
        ({ epoch } = await broker.publish('A', { type: 't', data }))
      const other = await broker.history('A', 0, { epoch: 'another' })
      expect(other).toEqual({ epoch, offset: 5, messages: [] })
      const tooMany = await broker.history('A', 2, { epoch, limit: 2 })
      expect(tooMany).toEqual({ epoch, offset: 5, messages: [], oldest: 3 })
      const enough = await broker.history('A', 3, { epoch, limit: 2 })
      expect(enough.messages.map(({ offset }) => offset)).toEqual([4, 5])
    })

    test('everybody who asks at once gets what is after their own position', async () => {
      const { broker } = await create()
      for (let data = 1; data <= 3; data++) await broker.publish('A', { type: 't', data })
      const after = [0, 1, 2, 3, 2, 1, 0, Number.MAX_SAFE_INTEGER]
      const answers = await Promise.all(after.map(offset => broker.history('A', offset)))
      expect(answers.map(({ messages }) => messages.map(({ offset }) => offset))).toEqual([
        [1, 2, 3],
        [2, 3],
        [3],
        [],
        [3],
        [2, 3],
        [1, 2, 3],
        [],
      ])
    })

    test('what was published before it was asked is in every answer', async () => {
      const { broker } = await create()
      const asked: Promise<number>[] = []
      const published: number[] = []
      for (let data = 1; data <= 20; data++) {
        published.push((await broker.publish('A', { type: 't', data })).offset)
        for (let count = 0; count < 3; count++) {
          asked.push(broker.history('A').then(({ offset }) => offset))
        }
      }
      const answers = await Promise.all(asked)
      for (const [index, offset] of answers.entries()) {
        expect(offset).toBeGreaterThanOrEqual(published[Math.floor(index / 3)] as number)
      }
    })

    test('heads: where the known channels stand', async () => {
      const { broker } = await create()
      await broker.publish('A', { type: 't' })
      const last = await broker.publish('A', { type: 't' })
      const heads = await broker.heads(['A', 'unknown'])
      expect([...heads]).toEqual([['A', last]])
    })

    test('a channel without a message has a position and no newest message', async () => {
      const { broker } = await create()
      expect(await broker.history('A')).toMatchObject({ offset: 0, messages: [] })
      expect(await broker.newest('A')).toBeUndefined()
      expect(await broker.channels(10)).toEqual([])
      await broker.publish('B', { type: 't' })
      expect(await broker.channels(10)).toEqual(['B'])
      expect(broker.ready()).toBe(true)
    })

    test('a channel that was asked for before its first message keeps its epoch', async () => {
      const { broker } = await create()
      const { epoch } = await broker.history('A')
      expect((await broker.history('A')).epoch).toBe(epoch)
      expect(await broker.publish('A', { type: 't' })).toEqual({ epoch, offset: 1 })
    })

    test('what comes after the largest offset is nothing', async () => {
      const { broker } = await create()
      const position = await broker.publish('A', { type: 't' })
      const after = Number.MAX_SAFE_INTEGER
      expect(await broker.history('A', after)).toEqual({ ...position, messages: [] })
    })

    test('messages are what JSON makes of them, and names of channels are only names', async () => {
      const { broker } = await create()
      const data = { text: 'a "b" } ]\n\u0000 ü 𝄞', none: null, list: [1, [2]] }
      for (const channel of ['{A}', 'A*', 'a b', 'A\r\nDEL x', 'ü:𝄞', 'channels', ':']) {
        const { offset } = await broker.publish(channel, { type: 't', data })
        expect(offset).toBe(1)
        const { messages } = await broker.history(channel)
        expect(messages).toHaveLength(1)
        expect(messages[0]?.message).toMatchObject({ type: 't', channel, data, offset: 1 })
        expect(await broker.newest(channel)).toEqual(messages[0])
        expect([...(await broker.heads([channel])).keys()]).toEqual([channel])
      }
    })

    test('names of the prototype chain are channels like any other', async () => {
      const { broker } = await create()
      for (const channel of ['__proto__', 'constructor', 'toString']) {
        expect(await broker.newest(channel)).toBeUndefined()
        expect((await broker.publish(channel, { type: 't' })).offset).toBe(1)
      }
    })
  })
}
