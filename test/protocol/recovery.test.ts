/** Rule R9 as a table: what an answer of the server means for a client with a cursor. */
import { describe, expect, test } from 'vitest'
import { judge, readRecovery } from '../../src/protocol/v1/recovery.ts'

const CURSOR = { epoch: 'e', offset: 10 }

describe('a client whose cursor is at 10 of epoch e, told that everything follows', () => {
  test.each([
    ['nothing, since it has everything', 10, 0, false, { recovered: 0 }],
    ['the two that it misses', 12, 2, false, { recovered: 2 }],
    ['the same to a question about a hole', 12, 2, true, { recovered: 2 }],
    ['more than it misses', 12, 5, false, { recovered: 5 }],
    ['an older answer, all of which it has', 8, 2, false, { recovered: 2 }],
    ['what begins beyond its cursor: it asks again', 15, 2, false, { recovered: 2, ask: true }],
    [
      'the same when it had asked for it: there is a hole',
      15,
      2,
      true,
      { recovered: 2, moveTo: 13, gap: 'trimmed' },
    ],
  ])('%s', (_, offset, replayed, answersResume, outcome) => {
    const recovery = { epoch: 'e', offset, recovered: true, replayed, reason: undefined }
    expect(judge(CURSOR, recovery, answersResume)).toEqual(outcome)
  })
})

describe('a client whose cursor is at 10 of epoch e, told that not everything follows', () => {
  test.each([
    [
      'the server is further: a gap with its reason',
      'e',
      20,
      'trimmed',
      { moveTo: 20, gap: 'trimmed' },
    ],
    ['or with `epoch` where it gives none', 'e', 20, undefined, { moveTo: 20, gap: 'epoch' }],
    ['an older answer does not move the cursor back', 'e', 7, 'trimmed', {}],
    ['nor does one that names the cursor', 'e', 10, 'limit', {}],
    ['a server that has lost its end moves it back', 'e', 7, 'ahead', { moveTo: 7, gap: 'ahead' }],
    ['another epoch moves it to wherever that is', 'f', 3, 'epoch', { moveTo: 3, gap: 'epoch' }],
  ])('%s', (_, epoch, offset, reason, outcome) => {
    expect(judge(CURSOR, { epoch, offset, recovered: false, replayed: 0, reason }, false)).toEqual(
      outcome,
    )
  })

  test('another epoch is a gap even if the server says that everything follows', () => {
    const recovery = { epoch: 'f', offset: 12, recovered: true, replayed: 2, reason: undefined }
    expect(judge(CURSOR, recovery, true)).toEqual({ moveTo: 12, gap: 'epoch' })
  })
})

test.each([
  [undefined],
  [null],
  ['text'],
  [{ epoch: 1, offset: 1 }],
  [{ epoch: 'e' }],
  [{ epoch: 'e', offset: -1 }],
  [{ epoch: 'e', offset: 1.5 }],
  [{ epoch: 'e', offset: '1' }],
])('an answer without an epoch and a whole offset makes no sense: %j', given => {
  expect(readRecovery(given)).toBeUndefined()
})

test('fields of an answer that make no sense are as if they were not there', () => {
  const given = { epoch: 'e', offset: 1, recovered: 'yes', replayed: -2, reason: 4 }
  expect(readRecovery(given)).toEqual({
    epoch: 'e',
    offset: 1,
    recovered: false,
    replayed: 0,
    reason: undefined,
  })
})
