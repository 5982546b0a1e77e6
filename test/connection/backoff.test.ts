import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULTS } from '../../src/client/defaults.ts'
import { backoffDelay } from '../../src/connection/retry-delay.ts'

const rules = DEFAULTS.reconnect

describe('the wait before a redial', () => {
  test.each([
    [1, 2000, 4000],
    [2, 4000, 8000],
    [3, 8000, 16_000],
    [4, 15_000, 30_000],
    [5, 15_000, 30_000],
  ])('attempt %i is drawn from %i to %i ms', (attempt, low, high) => {
    expect(backoffDelay(rules, attempt, () => 0)).toBe(low)
    expect(backoffDelay(rules, attempt, () => 1)).toBe(high)
  })

  test('without jitter it is 2, 4, 8, 16, 30 s', () => {
    const delays = [1, 2, 3, 4, 5].map(attempt =>
      backoffDelay({ ...rules, jitter: 0 }, attempt, () => 0.7),
    )
    expect(delays).toEqual([2000, 4000, 8000, 16_000, 30_000])
  })

  test('past the last attempt it is the longest', () => {
    expect(backoffDelay({ ...rules, jitter: 0, maxAttempts: 1 }, 2, () => 0)).toBe(30_000)
  })

  test('whatever the rules and the chance, it is a number from 0 to the cap', () => {
    const chance = fc.double({ min: 0, max: 1, noNaN: true })
    const ms = fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constant(0))
    fc.assert(
      fc.property(
        fc.record({
          initialDelayMs: ms,
          factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
          maxDelayMs: ms,
          jitter: fc.oneof(
            fc.double({ min: 0, max: 100, noNaN: true }),
            fc.constantFrom(
              () => Number.NaN,
              () => -1,
              () => 1e12,
              () => {
                throw new Error('mine')
              },
            ),
          ),
          maxAttempts: fc.nat(10),
        }),
        fc.nat(5000),
        chance,
        (drawn, attempt, random) => {
          const delay = backoffDelay(drawn, attempt, () => random)
          expect(delay).toBeGreaterThanOrEqual(0)
          // Rounding of doubles may add the last bit.
          expect(delay).toBeLessThanOrEqual(drawn.maxDelayMs * (1 + 1e-12))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
