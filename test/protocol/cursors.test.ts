/** Rules R6 to R11 of docs/protocol.md, as a client keeps them. */
import { describe, expect, test } from 'vitest'
import { type Channels, createChannels } from '../../src/channels/channel.ts'
import { type Cursors, createCursors } from '../../src/protocol/v1/cursors.ts'

interface Story {
  readonly channels: Channels
  readonly cursors: Cursors
  /** What was asked for, reported and confirmed, in order. */
  readonly log: string[]
  /** Runs inside the listener of a gap or a recovery. */
  onReport: () => void
}

/** The application listens to A and B. */
const start = (): Story => {
  const channels = createChannels()
  for (const name of ['A', 'B']) channels.of(name).isManual = true
  const log: string[] = []
  let ids = 0
  const report = (text: string): void => {
    log.push(text)
    story.onReport()
  }
  const cursors = createCursors({
    channels,
    newId: () => `id${++ids}`,
    resubscribe: (id, names) => log.push(`${id}: subscribe ${names}`),
    registry: {
      confirmed: name => log.push(`${name} confirmed`),
      refused: name => log.push(`${name} refused`),
      gap: ({ channel, reason }) => report(`${channel} gap ${reason}`),
      recovered: ({ channel, replayed }) => report(`${channel} recovered ${replayed}`),
    },
  })
  const story: Story = { channels, cursors, log, onReport: () => {} }
  return story
}

const at = (offset: number, more: object = {}): object => ({
  epoch: 'e',
  offset,
  recovered: true,
  replayed: 0,
  ...more,
})

/** The same, and the server has said where A goes on. */
const startAt = (offset: number): Story => {
  const story = start()
  story.cursors.applyRecoveries({ A: at(offset) })
  story.log.length = 0
  return story
}

describe('a message of a channel with a cursor at 10 (R10)', () => {
  test.each([
    [10, 'belowCursor', 10, []],
    [1, 'belowCursor', 10, []],
    [11, undefined, 11, []],
    [12, 'aboveCursor', 10, ['id1: subscribe A']],
    [500, 'aboveCursor', 10, ['id1: subscribe A']],
  ])('with the offset %i is %s', (offset, obstacle, cursor, log) => {
    const story = startAt(10)
    expect(story.cursors.obstacle('A', offset)).toBe(obstacle)
    expect(story.cursors.positions(['A'])).toEqual({ A: { epoch: 'e', offset: cursor } })
    expect(story.log).toEqual(log)
  })

  test('a hole is asked for once, however many messages come behind it', () => {
    const { cursors, log } = startAt(10)
    for (const offset of [12, 13, 14]) cursors.obstacle('A', offset)
    expect(log).toEqual(['id1: subscribe A'])
  })
})

describe('a message of a channel without a cursor', () => {
  test('waits for the word of the server where the application listens', () => {
    expect(start().cursors.obstacle('A', 5)).toBe('noCursor')
  })

  test('is delivered where nobody listens: nothing is promised there', () => {
    expect(start().cursors.obstacle('X', 5)).toBeUndefined()
  })
})

describe('the answer of a server (R9)', () => {
  test('says where a channel without a cursor goes on', () => {
    const { cursors, log } = start()
    cursors.applyRecoveries({ A: at(7), B: { epoch: 'f' } })
    expect(cursors.positions(['A', 'B'])).toEqual({ A: { epoch: 'e', offset: 7 }, B: null })
    expect(log).toEqual(['A confirmed'])
  })

  test('reports a gap where the channel went on without positions', () => {
    const { cursors, log } = start()
    cursors.onPlainLink()
    cursors.applyRecoveries({ A: at(7) })
    cursors.applyRecoveries({ A: at(7) })
    expect(log).toEqual(['A confirmed', 'A gap reconnected', 'A confirmed', 'A recovered 0'])
  })

  test('to an older question does not end the wait for the newer one', () => {
    const { cursors, log } = startAt(10)
    cursors.obstacle('A', 15)
    cursors.applyRecoveries({ A: at(12, { replayed: 2 }) }, { id: 'another' })
    cursors.obstacle('A', 15)
    cursors.applyRecoveries({ A: at(12, { replayed: 2 }) }, { id: 'id1' })
    cursors.obstacle('A', 15)
    expect(log.filter(line => line.includes('subscribe'))).toEqual([
      'id1: subscribe A',
      'id2: subscribe A',
    ])
  })

  test('that still leaves a hole after the client has asked for it is a gap', () => {
    const { cursors, log } = startAt(10)
    cursors.obstacle('A', 15)
    cursors.applyRecoveries({ A: at(15, { replayed: 1 }) }, { id: 'id1' })
    expect(log.slice(1)).toEqual(['A confirmed', 'A recovered 1', 'A gap trimmed'])
    expect(cursors.obstacle('A', 15)).toBeUndefined()
  })

  test('in a poll is not reported as recovered when the one before it was', () => {
    const { cursors, log } = startAt(10)
    cursors.applyRecoveries({ A: at(12, { replayed: 2 }) }, { silent: true })
    expect(log).toEqual(['A confirmed'])
  })

  test('in a poll begins before its first message', () => {
    const { cursors } = start()
    cursors.applyRecoveries({ A: at(12) }, { firstOffsets: new Map([['A', 9]]) })
    expect(cursors.positions(['A'])).toEqual({ A: { epoch: 'e', offset: 8 } })
  })

  test.each([
    ['moves forward', 20, 20],
    ['does not move back', 5, 10],
  ])('in a poll %s the cursor of a channel that nobody asked for', (_, offset, cursor) => {
    const { cursors } = start()
    const poll = { firstOffsets: new Map<unknown, number>() }
    cursors.applyRecoveries({ X: at(10) }, poll)
    cursors.applyRecoveries({ X: at(offset) }, poll)
    expect(cursors.positions(['X'])).toEqual({ X: { epoch: 'e', offset: cursor } })
  })

  test('on a link is ignored for a channel that nobody asked for', () => {
    const { cursors } = start()
    cursors.applyRecoveries({ X: at(10) })
    expect(cursors.positions(['X'])).toEqual({ X: null })
  })

  test('makes the client keep at most 10,000 channels that nobody asked for', () => {
    const { channels, cursors } = start()
    const many = Array.from({ length: 10_100 }, (_, number) => [`channel ${number}`, at(1)])
    cursors.applyRecoveries(Object.fromEntries(many), { firstOffsets: new Map() })
    expect(channels.size).toBe(10_000)
    cursors.applyRecoveries({ B: at(1) })
    expect(cursors.positions(['B'])).toEqual({ B: { epoch: 'e', offset: 1 } })
  })
})

describe('a listener inside the answer of a server', () => {
  test.each([
    ['ends the link: the rest of a welcome is ignored', 'cancelPending', {}, null],
    [
      'ends the link: the rest of a poll counts',
      'cancelPending',
      { firstOffsets: new Map() },
      { epoch: 'e', offset: 3 },
    ],
    ['changes the user: the rest of a poll is ignored', 'reset', { firstOffsets: new Map() }, null],
  ] as const)('%s', (_, action, answer, position) => {
    const story = startAt(10)
    story.onReport = () => story.cursors[action]()
    story.cursors.applyRecoveries({ A: at(20, { recovered: false }), B: at(3) }, answer)
    expect(story.cursors.positions(['B'])).toEqual({ B: position })
  })
})

describe('the newest offsets of the server (R11)', () => {
  test.each([
    ['beyond the cursor: the client asks', { A: 11 }, ['id1: subscribe A']],
    ['at the cursor: there is nothing to ask for', { A: 10 }, []],
    ['below it: the message is on its way', { A: 9 }, []],
    ['of a channel without a cursor', { B: 9 }, []],
    ['of a channel that it does not know', { X: 9 }, []],
    ['that are no number', { A: '11' }, []],
  ])('%s', (_, heads, log) => {
    const story = startAt(10)
    story.cursors.checkHeads(heads)
    expect(story.log).toEqual(log)
  })
})

describe('a question about missing messages', () => {
  test('is asked again, with a new id, when the server may have ignored it', () => {
    const { cursors, log } = startAt(10)
    cursors.checkHeads({ A: 11 })
    cursors.askAgain()
    expect(log).toEqual(['id1: subscribe A', 'id2: subscribe A'])
  })

  test('awaits no answer once the link has ended', () => {
    const { cursors, log } = startAt(10)
    cursors.checkHeads({ A: 11 })
    cursors.cancelPending()
    cursors.askAgain()
    expect(log).toEqual(['id1: subscribe A'])
    cursors.checkHeads({ A: 11 })
    expect(log).toEqual(['id1: subscribe A', 'id2: subscribe A'])
  })

  test('is split into frames that servers take', () => {
    const { channels, cursors, log } = start()
    const names = Array.from({ length: 100 }, (_, number) => `${number}`.padStart(50, 'x'))
    for (const name of names) channels.of(name).isManual = true
    cursors.applyRecoveries(Object.fromEntries(names.map(name => [name, at(1)])))
    log.length = 0
    cursors.checkHeads(Object.fromEntries(names.map(name => [name, 2])))
    expect(log).toHaveLength(8)
    expect(log.flatMap(line => line.split(' ')[2]?.split(','))).toEqual(names)
  })
})

test('another user has no position of the former one', () => {
  const { cursors } = startAt(10)
  cursors.reset()
  expect(cursors.positions(['A'])).toEqual({ A: null })
})
