import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDedupe, type Dedupe } from '../../src/delivery/dedupe.ts'

/** The same in the plainest words: the last `size` keys that were new, with their times. */
const plain = (size: number, ttlMs: number, now: () => number): Dedupe => {
  let known: { key: unknown; time: number }[] = []
  return {
    isNew(key) {
      if (key === '') return true
      const time = now()
      if (known.some(each => each.key === key && each.time > time - ttlMs)) return false
      known = [...known, { key, time }].slice(-size)
      return true
    },
    clear() {
      known = []
    },
  }
}

test('remembers exactly the last keys, each for its time', () => {
  const step = fc.record({
    key: fc.integer({ min: 0, max: 6 }),
    waitMs: fc.integer({ min: 0, max: 4 }),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(step, { maxLength: 60 }),
      fc.nat(60),
      (size, ttlMs, steps, clearAt) => {
        let time = 0
        const now = (): number => time
        const dedupe = createDedupe(size, ttlMs, now)
        const model = plain(size, ttlMs, now)
        steps.forEach(({ key, waitMs }, index) => {
          time += waitMs
          if (index === clearAt) {
            dedupe.clear()
            model.clear()
          }
          expect(dedupe.isNew(key)).toBe(model.isNew(key))
        })
      },
    ),
    { numRuns: 2000 },
  )
})

test('remembers no less and no more once its places were taken anew many times', () => {
  const step = fc.record({
    key: fc.oneof(fc.integer({ min: 0, max: 90 }), fc.string({ maxLength: 2 })),
    waitMs: fc.integer({ min: 0, max: 4 }),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 80 }),
      fc.integer({ min: 50, max: 200 }),
      fc.array(step, { minLength: 300, maxLength: 600 }),
      (size, ttlMs, steps) => {
        let time = 0
        const now = (): number => time
        const dedupe = createDedupe(size, ttlMs, now)
        const model = plain(size, ttlMs, now)
        for (const { key, waitMs } of steps) {
          time += waitMs
          expect(dedupe.isNew(key)).toBe(model.isNew(key))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test.each([Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, 200_000])('as many as %d', size => {
  const dedupe = createDedupe(size, 1000, () => 0)
  const keys = Array.from({ length: 200_000 }, (_, n) => `key ${n}`)
  expect(keys.every(key => dedupe.isNew(key))).toBe(true)
  expect(keys.some(key => dedupe.isNew(key))).toBe(false)
  dedupe.clear()
  expect(keys.every(key => dedupe.isNew(key))).toBe(true)
})

test('1 and "1" are two keys', () => {
  const dedupe = createDedupe(10, 1000, () => 0)
  expect([1, '1', 1, '1'].map(key => dedupe.isNew(key))).toEqual([true, true, false, false])
})

test.each([
  [undefined],
  [null],
  [{}],
  [''],
  [Number.NaN],
  [1.5],
  [2 ** 53],
  [-(2 ** 53)],
  [Number('8389766036995848192')],
  [Number.POSITIVE_INFINITY],
  [true],
  [1n],
])('%s is no name, and never a duplicate', key => {
  const dedupe = createDedupe(10, 1000, () => 0)
  expect([key, key].map(each => dedupe.isNew(each))).toEqual([true, true])
})

test.each([0, -1, 2 ** 53 - 1, ' ', '0', '8389766036995848192'])('%j is a name', key => {
  const dedupe = createDedupe(10, 1000, () => 0)
  expect([key, key].map(each => dedupe.isNew(each))).toEqual([true, false])
})

test('a key under another label, or under none, is another one, once under each', () => {
  const dedupe = createDedupe(10, 1000, () => 0)
  const news = (['A', 'A', 'B', 'B', 'A', undefined, 'C', undefined] as const).map(label =>
    dedupe.isNew('x', label),
  )
  expect(news).toEqual([true, false, true, false, false, true, true, false])
})

test('no two pairs of key and label are taken for one another', () => {
  const dedupe = createDedupe(100, 1000, () => 0)
  const pairs: [unknown, string][] = [
    [1, 'B'],
    ['1', 'B'],
    ['B\n1', ''],
    ['1B', ''],
    ['', 'B1'],
    ['AB', 'C'],
    ['A', 'BC'],
  ]
  expect(pairs.map(pair => dedupe.isNew(...pair))).toEqual(pairs.map(() => true))
})
