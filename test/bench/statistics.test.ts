import { expect, test } from 'vitest'
import { differences, median, overlap, ratios, summarize } from '../../bench/report/statistics.ts'

test.each([
  [[5], 5],
  [[3, 1, 2], 2],
  [[10, 1, 9, 2], 5.5],
  [[-1, 100, -3], -1],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('a median of no values is a RangeError that says so', () => {
  expect(() => median([])).toThrow(new RangeError('median: expected at least one value, got none'))
})

test('a median leaves its values in their order', () => {
  const values = [3, 1, 2]
  median(values)
  expect(values).toEqual([3, 1, 2])
})

test('a summary holds the median and both ends', () => {
  expect(summarize([4, 1, 9])).toEqual({ median: 4, least: 1, most: 9 })
})

test('ratios and differences compare the values of one round with each other', () => {
  expect(ratios([20, 90], [10, 30])).toEqual([2, 3])
  expect(differences([20, 90], [10, 30])).toEqual([10, 60])
})

test('a round without a base is left out', () => {
  expect(ratios([20, 90], [10])).toEqual([2])
})

test.each([
  [[1, 2], [2, 3], true],
  [[1, 4], [2, 3], true],
  [[1, 2], [3, 4], false],
  [[3, 4], [1, 2], false],
])('whether the ranges of %j and %j overlap: %s', (a, b, expected) => {
  expect(overlap(summarize(a), summarize(b))).toBe(expected)
})
