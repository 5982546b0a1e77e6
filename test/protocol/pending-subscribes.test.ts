import { expect, test } from 'vitest'
import { createChannels } from '../../src/channels/channel.ts'
import { createPendingSubscribes } from '../../src/protocol/v1/pending-subscribes.ts'

const create = () => createPendingSubscribes(createChannels())

test('An answer counts for the channels that no later frame has named', () => {
  const pending = create()
  pending.add('first', ['a', 'b', 'c'])
  pending.add('second', ['b'])
  expect(pending.take('first')).toEqual({ newest: ['a', 'c'], superseded: ['b'] })
  expect(pending.take('second')).toEqual({ newest: ['b'], superseded: [] })
})

test('The later of two frames may be answered first', () => {
  const pending = create()
  pending.add('first', ['a', 'b'])
  pending.add('second', ['b'])
  expect(pending.take('second')).toEqual({ newest: ['b'], superseded: [] })
  expect(pending.take('first')).toEqual({ newest: ['a'], superseded: ['b'] })
})

test('An answer counts once, and an answer to no frame names no channel', () => {
  const pending = create()
  pending.add('first', ['a'])
  pending.take('first')
  const nothing = { newest: [], superseded: [] }
  expect(pending.take('first')).toEqual(nothing)
  expect(pending.take('another')).toEqual(nothing)
  expect(pending.take(undefined)).toEqual(nothing)
})

test('After a thousand frames without an answer the oldest is given up', () => {
  const pending = create()
  for (let number = 0; number < 1001; number++) pending.add(`${number}`, [`channel ${number}`])
  expect(pending.take('0').newest).toEqual([])
  expect(pending.take('1').newest).toEqual(['channel 1'])
  expect(pending.take('1000').newest).toEqual(['channel 1000'])
})

test('Frames that were cleared await no answer', () => {
  const pending = create()
  pending.add('first', ['a'])
  pending.clear()
  expect(pending.take('first')).toEqual({ newest: [], superseded: [] })
  pending.add('first', ['b'])
  expect(pending.take('first').newest).toEqual(['b'])
})
