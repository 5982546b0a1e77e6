/** docs/images/benchmarks.svg: a small bar chart for each figure that has one. */
import * as Plot from '@observablehq/plot'
import { Window } from 'happy-dom'
import { type Column, type Part, type Results, valuesOf } from './results.ts'
import { median, ratios } from './statistics.ts'

const WIDTH = 480
const BAR = 19
const HEAD = 34
const GAP = 18
const LABELS = 216
const VALUES = 60
const COLUMNS = 2

const OURS = '#0969da'
const OTHERS = '#afb8c1'
const TEXT = '#1f2328'

interface Bar {
  readonly label: string
  readonly value: number
  readonly isOurs: boolean
}

const plainText = (markdown: string): string => markdown.replaceAll(/[*`]/g, '')

/** A factor where the column has one, else the figure itself. */
const barsOf = (part: Part, column: Column): readonly Bar[] => {
  const [first] = part.rows
  if (!first) return []
  const base = valuesOf(first, column.metric)
  return part.rows.flatMap(row => {
    const own = valuesOf(row, column.metric)
    const values = column.compare === 'ratio' ? ratios(own, base) : own
    if (values.length === 0) return []
    const value = median(values)
    return [{ label: plainText(row.label), value, isOurs: row.isOurs === true }]
  })
}

const unitOf = (part: Part, { compare, title }: Column): string =>
  compare === 'ratio' ? `× ${plainText(part.rows[0]?.label ?? '')}` : plainText(title)

const format = (value: number): string =>
  value >= 100
    ? Math.round(value).toLocaleString('en')
    : value >= 10
      ? value.toFixed(1)
      : value.toFixed(2)

const draw = (bars: readonly Bar[], document: Document): { drawing: string; height: number } => {
  const height = bars.length * BAR + 8
  const figure = Plot.plot({
    document,
    width: WIDTH,
    height,
    marginLeft: LABELS,
    marginRight: VALUES,
    marginTop: 4,
    marginBottom: 4,
    x: { axis: null, domain: [0, Math.max(...bars.map(({ value }) => value))] },
    y: { label: null, tickSize: 0, domain: bars.map(({ label }) => label) },
    marks: [
      Plot.barX(bars, {
        x: 'value',
        y: 'label',
        fill: ({ isOurs }: Bar) => (isOurs ? OURS : OTHERS),
        insetTop: 2,
        insetBottom: 2,
      }),
      Plot.text(bars, {
        x: 'value',
        y: 'label',
        text: ({ value }: Bar) => format(value),
        textAnchor: 'start',
        dx: 4,
      }),
    ],
  })
  figure.querySelector('style')?.remove()
  return { drawing: figure.innerHTML, height }
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** The picture, in columns that are filled from the top, the shorter one first. */
export const chartOf = (results: Results): string => {
  const document = new Window().document as unknown as Document
  const heights: number[] = Array.from({ length: COLUMNS }, () => GAP)
  const pictures: string[] = []
  for (const part of results.parts) {
    for (const column of part.columns) {
      const bars = column.chart === undefined ? [] : barsOf(part, column)
      if (bars.length === 0) continue
      const { drawing, height } = draw(bars, document)
      const at = heights.indexOf(Math.min(...heights))
      const x = GAP + at * (WIDTH + GAP)
      const y = heights[at] ?? 0
      const title = `<text x="0" y="12" font-size="13" font-weight="600">${escaped(column.chart ?? '')}</text>`
      const unit = `<text x="0" y="27" font-size="11" fill="#59636e">${escaped(unitOf(part, column))}</text>`
      pictures.push(
        `<g transform="translate(${x} ${y})">${title}${unit}<g transform="translate(0 ${HEAD})" font-size="11" text-anchor="middle">${drawing}</g></g>`,
      )
      heights[at] = y + HEAD + height + GAP
    }
  }
  const width = GAP + COLUMNS * (WIDTH + GAP)
  const height = Math.max(...heights)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" fill="${TEXT}" role="img" aria-labelledby="title">
<title id="title">Benchmarks: bars for each figure and contender, shorter is better</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${pictures.join('\n')}
</svg>
`
}
