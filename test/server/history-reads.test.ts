import { expect, test } from 'vitest'
import type { History } from '../../src/server/broker/broker.ts'
import {
  createHistoryReads,
  type HistoryRead,
} from '../../src/server/broker/redis/history-reads.ts'
import { StoredMessage } from '../../src/server/broker/stored-message.ts'

/** A store of ten messages a channel that answers when it is told to. */
const create = (atOnce: number) => {
  const asked: { channel: string; read: HistoryRead; answer(head?: number): Promise<void> }[] = []
  let failing = false
  const { history } = createHistoryReads({
    maxReads: atOnce,
    read: (channel, read) =>
      new Promise<History>((resolve, reject) => {
        asked.push({
          channel,
          read,
          async answer(head = 10) {
            const { afterOffset } = read
            const messages = Array.from(
              { length: Math.max(0, head - afterOffset) },
              (_, index) => new StoredMessage(channel, 'e', afterOffset + 1 + index, '{}'),
            )
            if (failing) reject(new Error('away'))
            else resolve({ epoch: 'e', offset: head, messages, oldest: 1 })
            await new Promise(done => setImmediate(done))
          },
        })
      }),
  })
  const fail = (): void => {
    failing = true
  }
  const ask = async (
    channel: string,
    after: number,
    limit?: number,
  ): Promise<readonly number[]> => {
    const query = limit === undefined ? {} : { limit }
    return (await history(channel, after, query)).messages.map(({ offset }) => offset)
  }
  return { asked, ask, history, fail }
}

const turn = (): Promise<void> => new Promise(done => setImmediate(done))

test('one read answers all who ask for a channel at once, each from their own position', async () => {
  const { asked, ask } = create(4)
  const answers = Promise.all([ask('A', 7), ask('A', 9), ask('A', 5), ask('A', 12)])
  await turn()
  expect(asked.map(({ read }) => read.afterOffset)).toEqual([5])
  await asked[0]?.answer()
  expect(await answers).toEqual([[8, 9, 10], [10], [6, 7, 8, 9, 10], []])
})

test('a read that is on its way is joined by nobody: it may have been answered too early', async () => {
  const { asked, ask } = create(4)
  const early = ask('A', 8)
  await turn()
  const late = Promise.all([ask('A', 8), ask('A', 8)])
  await turn()
  expect(asked).toHaveLength(1)
  await asked[0]?.answer(10)
  await turn()
  expect(asked).toHaveLength(2)
  await asked[1]?.answer(11)
  expect(await early).toEqual([9, 10])
  expect(await late).toEqual([
    [9, 10, 11],
    [9, 10, 11],
  ])
})

test('no more are read at a time than may, and the others in the order in which they were asked for', async () => {
  const { asked, ask } = create(2)
  const answers = Promise.all(['A', 'B', 'C', 'D'].map(channel => ask(channel, 9)))
  await turn()
  expect(asked.map(({ channel }) => channel)).toEqual(['A', 'B'])
  await asked[1]?.answer()
  expect(asked.map(({ channel }) => channel)).toEqual(['A', 'B', 'C'])
  for (const at of [0, 2, 3]) await asked[at]?.answer()
  expect(await answers).toEqual([[10], [10], [10], [10]])
})

test('a limit counts for each who asks', async () => {
  const { asked, history } = create(4)
  const answers = Promise.all([7, 8].map(after => history('A', after, { limit: 2 })))
  await turn()
  expect(asked.map(({ read }) => read)).toMatchObject([
    { afterOffset: 7, highestAfter: 8, limit: 2 },
  ])
  await asked[0]?.answer()
  expect(await answers).toMatchObject([
    { offset: 10, messages: [], oldest: 1 },
    { offset: 10, messages: [{ offset: 9 }, { offset: 10 }] },
  ])
})

test('a read that fails fails all who wait for it, and the next one is made anew', async () => {
  const { asked, ask, fail } = create(1)
  const both = Promise.allSettled([ask('A', 1), ask('A', 2)])
  const other = ask('B', 1).catch((error: Error) => error.message)
  await turn()
  fail()
  await asked[0]?.answer()
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await asked[1]?.answer()
  expect(await other).toBe('away')
  expect(asked.map(({ channel }) => channel)).toEqual(['A', 'B'])
})
