/** What several rounds say together. */

export interface Summary {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The middle value; of an even number of values the mean of the two in the middle. Throws a `RangeError` for none. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  if (upper === undefined || lower === undefined) {
    throw new RangeError('median: expected at least one value, got none')
  }
  return (lower + upper) / 2
}

/** Median, least and most. Throws a `RangeError` for no values. */
export const summarize = (values: readonly number[]): Summary => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
})

/** `combine` of each value and the base of the same round; a round that one of them lacks is left out. */
const byRound = (
  values: readonly number[],
  base: readonly number[],
  combine: (value: number, of: number) => number,
): readonly number[] =>
  values.flatMap((value, round) => {
    const of = base[round]
    return of === undefined ? [] : combine(value, of)
  })

/** How many times the base, round by round: what slowed a round down slowed both. */
export const ratios = (values: readonly number[], base: readonly number[]): readonly number[] =>
  byRound(values, base, (value, of) => value / of)

/** How much beyond the base, round by round. */
export const differences = (
  values: readonly number[],
  base: readonly number[],
): readonly number[] => byRound(values, base, (value, of) => value - of)

/** Whether the ranges of two have a value in common. */
export const overlap = (a: Summary, b: Summary): boolean => a.least <= b.most && b.least <= a.most
