import { describe, expect, test } from 'vitest'
import { chartOf } from '../../bench/report/chart.ts'
import { countFigures, lossesOf } from '../../bench/report/losses.ts'
import { pageOf, sectionOf } from '../../bench/report/page.ts'
import type { Part, Results, Row } from '../../bench/report/results.ts'

const native: Row = {
  name: 'native',
  label: 'bare WebSocket',
  rounds: [{ ns: 1000 }, { ns: 2000 }, { ns: 1200 }],
}
const other: Row = {
  name: 'other',
  label: 'other',
  rounds: [{ ns: 1500 }, { ns: 3000 }, { ns: 1500 }],
}
const ours: Row = {
  name: 'plain',
  label: '**ours** (plain)',
  isOurs: true,
  rounds: [{ ns: 1400 }, { ns: 2600 }, { ns: 1500 }],
}

const partOf = (rows: readonly Row[], more: Partial<Part['columns'][number]> = {}): Part => ({
  name: 'receive',
  title: 'Receiving',
  about: 'What a message costs.',
  columns: [
    { metric: 'ns', title: 'ns a message', digits: 0, compare: 'ratio', chart: 'receive', ...more },
  ],
  rows,
})

const resultsOf = (...parts: Part[]): Results => ({
  meta: {
    date: '2026-01-31',
    command: 'npm run bench',
    machine: '2 × CPU, 4 GiB',
    versions: { Node: '20.0.0', other: '1.2.3' },
    without: [],
  },
  parts,
})

describe('a table', () => {
  test('shows median and range of the rounds, and the factor of each round with the first row', () => {
    expect(sectionOf(partOf([native, other, ours]))).toContain(
      `|  | ns a message | × bare WebSocket |
|---|--:|--:|
| bare WebSocket | 1,200 (1,000–2,000) | 1 |
| other | 1,500 (1,500–3,000) | 1.50 (1.25–1.50) |
| **ours** (plain) | 1,500 (1,400–2,600) | 1.30 (1.25–1.40) |`,
    )
  })

  test('shows what is beyond the first row, where that is compared', () => {
    const section = sectionOf(partOf([native, ours], { compare: 'difference' }))
    expect(section).toContain('| beyond bare WebSocket |')
    expect(section).toContain('| **ours** (plain) | 1,500 (1,400–2,600) | 400 (300–600) |')
  })

  test('shows a single round without a range, negative figures and digits', () => {
    const row = { ...ours, rounds: [{ ns: -1234.56 }] }
    const section = sectionOf(partOf([row], { compare: 'none', digits: 1 }))
    expect(section).toContain('| **ours** (plain) | -1,234.6 |')
    expect(section).toContain('One round.')
  })

  test('says why a row has no figures', () => {
    const row = { ...ours, rounds: [], missing: 'not there' }
    expect(sectionOf(partOf([native, row]))).toContain('| **ours** (plain) | not there |  |')
  })
})

describe('where ours is behind', () => {
  test('each figure has a sentence that names who is better, the best first', () => {
    expect(lossesOf(partOf([other, native, { ...ours, rounds: [{ ns: 4000 }] }]))).toEqual([
      '**ours** (plain) loses in “ns a message”: 4.00 times bare WebSocket, 2.67 times other.',
    ])
  })

  test('the sentence says where the rounds of both overlap', () => {
    expect(lossesOf(partOf([native, ours]))).toEqual([
      '**ours** (plain) loses in “ns a message”: 1.30 times bare WebSocket (the rounds overlap).',
    ])
  })

  test('a figure that nobody betters has none, and the section says so', () => {
    const best = { ...ours, rounds: [{ ns: 10 }, { ns: 10 }, { ns: 10 }] }
    expect(lossesOf(partOf([native, best]))).toEqual([])
    expect(sectionOf(partOf([native, best]))).toContain('Ours loses to nobody here.')
  })

  test('the higher figure wins where higher is better', () => {
    const part = partOf(
      [
        { ...native, rounds: [{ ns: 8 }] },
        { ...ours, rounds: [{ ns: 4 }] },
      ],
      {
        better: 'higher',
      },
    )
    expect(lossesOf(part)).toEqual([
      '**ours** (plain) loses in “ns a message”: 0.50 times bare WebSocket.',
    ])
  })

  test('no factor is told of a figure that is zero or below', () => {
    const part = partOf([
      { ...native, rounds: [{ ns: -5 }] },
      { ...ours, rounds: [{ ns: 4 }] },
    ])
    expect(lossesOf(part)).toEqual([
      '**ours** (plain) loses in “ns a message”: 4 against -5 of bare WebSocket.',
    ])
  })

  test('one row of ours is no rival of another, and counts only beside a rival', () => {
    const slow = { ...ours, name: 'v1', rounds: [{ ns: 9000 }] }
    expect(lossesOf(partOf([ours, slow]))).toEqual([])
    expect(countFigures(partOf([ours, slow]))).toBe(0)
    expect(countFigures(partOf([native, ours, slow]))).toBe(2)
  })
})

describe('the page', () => {
  const page = pageOf(resultsOf(partOf([native, ours])), 'images/benchmarks.svg')

  test('names its command, date, machine and versions', () => {
    expect(page).toContain('Written by `npm run bench`')
    expect(page).toContain('Measured 2026-01-31 on 2 × CPU, 4 GiB.\n')
    expect(page).toContain('Versions: Node 20.0.0, other 1.2.3.')
  })

  test('counts the figures in which ours is behind', () => {
    expect(page).toContain('In 1 of 1 figures ours is behind')
  })

  test('shows the picture, and ends with one line break', () => {
    expect(page).toContain('](images/benchmarks.svg)')
    expect(page).toMatch(/[^\n]\n$/)
  })

  test('names the parts that were left out', () => {
    const results = resultsOf(partOf([native, ours]))
    const meta = { ...results.meta, without: ['chromium'] }
    expect(pageOf({ ...results, meta }, 'x.svg')).toContain('Left out on purpose: chromium.')
  })
})

describe('the picture', () => {
  test('has a bar and a factor for each row', () => {
    const svg = chartOf(resultsOf(partOf([native, other, ours])))
    expect(svg).toContain('>receive</text>')
    expect(svg).toContain('>× bare WebSocket</text>')
    for (const text of ['1.00', '1.50', '1.30', 'other', 'ours (plain)']) {
      expect(svg).toContain(`>${text}</text>`)
    }
    expect(svg.match(/<rect x=/g)).toHaveLength(3)
  })

  test('leaves out columns that have no chart, and rows that were not measured', () => {
    const row = { ...ours, rounds: [], missing: 'not there' }
    const svg = chartOf(
      resultsOf(partOf([native, row]), {
        ...partOf([native]),
        columns: [{ metric: 'ns', title: 'hidden', digits: 0, compare: 'none' }],
      }),
    )
    expect(svg.match(/<rect x=/g)).toHaveLength(1)
    expect(svg).not.toContain('hidden')
  })
})
