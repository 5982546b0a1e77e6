import { createVirtualClock } from 'resilient-websocket/testing'
import { expect, test } from 'vitest'
import { createServerTimers } from '../../src/server/environment.ts'

const DAY = 86_400_000

test('a timer of 60 days rings after 60 days, though a runtime counts no further than 24.8', async () => {
  const clock = createVirtualClock()
  const asked: number[] = []
  const timers = createServerTimers({
    ...clock,
    random: () => 0,
    setTimeout(run, delayMs) {
      asked.push(delayMs)
      return clock.setTimeout(run, delayMs)
    },
  })
  let rung = 0
  timers.set('expiry', 60 * DAY, () => rung++)
  await clock.advance(60 * DAY - 1)
  expect([rung, timers.has('expiry')]).toEqual([0, true])
  await clock.advance(1)
  expect([rung, timers.has('expiry')]).toEqual([1, false])
  expect(Math.max(...asked)).toBeLessThan(2 ** 31)
  timers.set('expiry', 60 * DAY, () => rung++)
  await clock.advance(30 * DAY)
  timers.clear('expiry')
  await clock.advance(60 * DAY)
  expect(rung).toBe(1)
})
