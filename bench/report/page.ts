/** docs/benchmarks.md, of the results of a run. */
import { countFigures, lossesOf } from './losses.ts'
import { type Column, type Meta, type Part, type Results, type Row, valuesOf } from './results.ts'
import { differences, ratios, summarize } from './statistics.ts'

const RATIO_DIGITS = 2

const plainText = (markdown: string): string => markdown.replaceAll(/[*`]/g, '')

const numberOf = (value: number, digits: number): string => {
  const [whole = '', fraction] = Math.abs(value).toFixed(digits).split('.')
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  const isZero = Number(value.toFixed(digits)) === 0
  return `${value < 0 && !isZero ? '-' : ''}${grouped}${fraction ? `.${fraction}` : ''}`
}

/** `812 (790–850)`: the median, and from the least to the most where there was more than one round. */
const cell = (values: readonly number[], digits: number): string => {
  if (values.length === 0) return ''
  const { median, least, most } = summarize(values)
  const middle = numberOf(median, digits)
  if (values.length === 1) return middle
  return `${middle} (${numberOf(least, digits)}–${numberOf(most, digits)})`
}

const headingsOf = (part: Part): readonly string[] => {
  const first = part.rows[0] ? plainText(part.rows[0].label) : ''
  return part.columns.flatMap(({ title, compare }) => {
    if (compare === 'ratio') return [title, `× ${first}`]
    if (compare === 'difference') return [title, `beyond ${first}`]
    return [title]
  })
}

const cellsOf = (column: Column, row: Row, first: Row): readonly string[] => {
  const values = valuesOf(row, column.metric)
  const value = cell(values, column.digits)
  if (column.compare === 'none') return [value]
  if (row === first) return [value, column.compare === 'ratio' ? '1' : '0']
  const base = valuesOf(first, column.metric)
  return column.compare === 'ratio'
    ? [value, cell(ratios(values, base), RATIO_DIGITS)]
    : [value, cell(differences(values, base), column.digits)]
}

const tableOf = (part: Part): string => {
  const [first] = part.rows
  if (!first) return ''
  const headings = headingsOf(part)
  const lines = part.rows.map(row => {
    const cells = part.columns.flatMap(column => cellsOf(column, row, first))
    return row.missing ? [row.label, row.missing, ...cells.slice(1)] : [row.label, ...cells]
  })
  const toLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    toLine(['', ...headings]),
    `|---|${headings.map(() => '--:|').join('')}`,
    ...lines.map(toLine),
  ].join('\n')
}

const roundsOf = (part: Part): string => {
  const rounds = Math.max(...part.rows.map(row => row.rounds.length))
  return rounds === 1 ? 'One round.' : `${rounds} rounds.`
}

/** The section of one part: what is measured, the table, and where ours is behind. */
export const sectionOf = (part: Part): string => {
  const losses = lossesOf(part)
  const behind = losses.length
    ? `Where ours loses:\n\n${losses.map(loss => `- ${loss}`).join('\n')}`
    : 'Ours loses to nobody here.'
  return [`## ${part.title}`, `${part.about} ${roundsOf(part)}`, tableOf(part), behind].join('\n\n')
}

const introductionOf = ({ meta, parts }: Results): string => {
  const lost = parts.flatMap(lossesOf).length
  const all = parts.reduce((count, part) => count + countFigures(part), 0)
  return `# Benchmarks

Written by \`${meta.command}\`, which builds the package and measures it beside the bare WebSocket and other libraries in one run.

Each measurement has a process of its own, so that nobody warms another up. The rounds take turns: contender after contender,
each round beginning with another one. A figure is the median of the rounds, with the least and the most in brackets. A factor
compares the figures of one round with each other, so that a slow minute of the machine falls on both. Compare factors, and
run the command for figures of your machine.

In ${lost} of ${all} figures ours is behind the bare WebSocket or another library; each is named below its table. What ours does
that others do not costs something, and is in the figures: see [delivery](delivery.md).`
}

const machineOf = ({ date, machine, versions, without }: Meta): string => {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const left = without.length ? `\nLeft out on purpose: ${without.join(', ')}.` : ''
  return `Measured ${date} on ${machine}.\nVersions: ${list.join(', ')}.${left}`
}

/** The whole page. `chart`: where its picture is, beside the page. */
export const pageOf = (results: Results, chart: string): string =>
  [
    introductionOf(results),
    machineOf(results.meta),
    `![Bars for each figure and contender, ours in blue: shorter is better. The tables below hold the same figures.](${chart})`,
    ...results.parts.map(sectionOf),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
