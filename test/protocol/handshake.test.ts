import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  HANDSHAKE,
  type HandshakeEvent,
  nextRow,
  type Stage,
} from '../../src/protocol/v1/handshake.ts'

const EVENTS: readonly HandshakeEvent[] = [
  'opened',
  'offered',
  'frameRead',
  'timedOut',
  'welcomed',
  'polled',
  'closed',
]
const STAGES = Object.keys(HANDSHAKE) as Stage[]

/** `stage event -> stage: effect`, for every pair that leads somewhere. */
const written = (expected: boolean): string[] =>
  STAGES.flatMap(stage =>
    EVENTS.flatMap(event => {
      const row = nextRow(stage, event, expected)
      return row ? [`${stage} ${event} -> ${row.to}: ${row.also ?? ''}`.trim()] : []
    }),
  )

const COMMON = [
  'first offered -> welcome: sayHello',
  'first polled -> first: awaitWelcome',
  'first closed -> none:',
  'welcome timedOut -> welcome: failUnwelcome',
  'welcome welcomed -> v1:',
  'welcome closed -> none:',
  'plain closed -> none: loosen',
  'v1 closed -> none:',
]

test('a server that has not spoken v1 may be a plain one, and is waited for no longer than its first frame', () => {
  expect(written(false).sort()).toEqual(
    [
      ...COMMON,
      'none opened -> first: awaitFirstFrame',
      'first frameRead -> plain: begin',
      'first timedOut -> plain: begin',
    ].sort(),
  )
})

test('a link to a server that has spoken v1 fails unless the server speaks it again', () => {
  expect(written(true).sort()).toEqual(
    [
      ...COMMON,
      'none opened -> first: awaitWelcome',
      'first frameRead -> first: failPlain',
      'first timedOut -> first: failUnwelcome',
    ].sort(),
  )
})

test('messages flow at most once a link, and never as on a plain server where v1 is expected', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...EVENTS)), fc.boolean(), (events, expected) => {
      let stage: Stage = 'none'
      let began = 0
      for (const event of events) {
        const row = nextRow(stage, event, expected)
        if (!row) continue
        if (event === 'opened') began = 0
        if (row.also === 'begin' || event === 'welcomed') began++
        if (row.also === 'begin') expect(expected).toBe(false)
        expect(began).toBeLessThanOrEqual(1)
        stage = row.to
        expect(stage === 'plain' || stage === 'v1').toBe(began === 1 && stage !== 'none')
      }
      expect(nextRow(stage, 'closed', expected)?.to ?? 'none').toBe('none')
    }),
  )
})
