import { expect, test } from 'vitest'
import type { History, Published } from '../../src/server/broker/broker.ts'
import {
  createOrderedFanOut,
  type OrderedFanOut,
} from '../../src/server/broker/redis/ordered-fan-out.ts'
import { gate } from './redis-support.ts'

const tick = (offset: number, epoch = 'e'): Published => {
  const message = { type: 'tick', data: offset, timestamp: 0, channel: 'A', offset }
  return { channel: 'A', epoch, offset, message, text: JSON.stringify(message) }
}

/** A fan-out over a history that the test writes. */
const create = (
  stored: Published[],
  before: () => Promise<void> = async () => {},
): { fanOut: OrderedFanOut; heard: string[]; reads: number[] } => {
  const heard: string[] = []
  const reads: number[] = []
  const fanOut = createOrderedFanOut({
    async readHistory(_, afterOffset): Promise<History> {
      reads.push(afterOffset)
      await before()
      const { epoch = '', offset = 0 } = stored.at(-1) ?? {}
      return { epoch, offset, messages: stored.filter(each => each.offset > afterOffset) }
    },
    deliver: ({ epoch, offset }) => heard.push(`${epoch}${offset}`),
  })
  return { fanOut, heard, reads }
}

test('what comes in order is passed on at once, and history is left alone', () => {
  const { fanOut, heard, reads } = create([])
  for (const offset of [7, 8, 9]) fanOut.onPublished(tick(offset))
  expect(heard).toEqual(['e7', 'e8', 'e9'])
  expect(reads).toEqual([])
})

test('a hole is filled from the history, before what came after it', async () => {
  const { open, opened } = gate()
  const { fanOut, heard } = create(
    [1, 2, 3, 4, 5].map(offset => tick(offset)),
    () => opened,
  )
  for (const offset of [1, 4, 5]) fanOut.onPublished(tick(offset))
  expect(heard).toEqual(['e1'])
  open()
  await expect.poll(() => heard).toEqual(['e1', 'e2', 'e3', 'e4', 'e5'])
  for (const offset of [4, 5, 6]) fanOut.onPublished(tick(offset))
  expect(heard).toEqual(['e1', 'e2', 'e3', 'e4', 'e5', 'e6'])
})

test('a hole that history cannot fill any more stays one: nothing waits for it', async () => {
  const { fanOut, heard } = create([tick(9)])
  for (const offset of [1, 9, 10]) fanOut.onPublished(tick(offset))
  await expect.poll(() => heard).toEqual(['e1', 'e9', 'e10'])
})

test('a history that cannot be read holds nothing back', async () => {
  const { fanOut, heard } = create([], () => Promise.reject(new Error('away')))
  for (const offset of [1, 4, 5]) fanOut.onPublished(tick(offset))
  await expect.poll(() => heard).toEqual(['e1', 'e4', 'e5'])
})

test('another epoch begins where it begins', async () => {
  const { fanOut, heard } = create([1, 2].map(offset => tick(offset, 'f')))
  fanOut.onPublished(tick(7))
  await fanOut.catchUp()
  expect(heard).toEqual(['e7', 'f1', 'f2'])
  fanOut.onPublished(tick(1, 'g'))
  expect(heard).toEqual(['e7', 'f1', 'f2', 'g1'])
})

test('catching up brings what is missing though nothing new is published', async () => {
  const { fanOut, heard, reads } = create([1, 2, 3].map(offset => tick(offset)))
  fanOut.onPublished(tick(1))
  await fanOut.catchUp()
  expect(heard).toEqual(['e1', 'e2', 'e3'])
  expect(reads).toEqual([1])
})
