/** Where ours is behind, in words. */
import { type Column, type Part, type Row, valuesOf } from './results.ts'
import { median, overlap, ratios, summarize } from './statistics.ts'

interface Rival {
  readonly row: Row
  readonly values: readonly number[]
}

/** The others that are better in this column, the best one first. */
const betterOnes = (part: Part, column: Column, values: readonly number[]): readonly Rival[] => {
  const sign = column.better === 'higher' ? -1 : 1
  return part.rows
    .filter(row => !row.isOurs)
    .map(row => ({ row, values: valuesOf(row, column.metric) }))
    .filter(rival => rival.values.length > 0)
    .filter(rival => sign * median(rival.values) < sign * median(values))
    .sort((a, b) => sign * (median(a.values) - median(b.values)))
}

const against = (column: Column, values: readonly number[], rival: Rival): string => {
  const ours = summarize(values)
  const theirs = summarize(rival.values)
  const digits = (value: number): string => value.toFixed(column.digits)
  const text =
    theirs.least > 0
      ? `${median(ratios(values, rival.values)).toFixed(2)} times ${rival.row.label}`
      : `${digits(ours.median)} against ${digits(theirs.median)} of ${rival.row.label}`
  return values.length > 1 && overlap(ours, theirs) ? `${text} (the rounds overlap)` : text
}

/** One sentence for each figure of ours that another row betters. */
export const lossesOf = (part: Part): readonly string[] =>
  part.rows
    .filter(row => row.isOurs)
    .flatMap(row =>
      part.columns.flatMap(column => {
        const values = valuesOf(row, column.metric)
        if (values.length === 0) return []
        const rivals = betterOnes(part, column, values)
        if (rivals.length === 0) return []
        const list = rivals.map(rival => against(column, values, rival)).join(', ')
        return `${row.label} loses in “${column.title}”: ${list}.`
      }),
    )

/** How many figures of ours there are that another row could better. */
export const countFigures = (part: Part): number =>
  part.rows
    .filter(row => row.isOurs)
    .flatMap(row => part.columns.map(({ metric }) => ({ row, metric })))
    .filter(({ row, metric }) => valuesOf(row, metric).length > 0)
    .filter(({ metric }) =>
      part.rows.some(other => !other.isOurs && valuesOf(other, metric).length > 0),
    ).length
