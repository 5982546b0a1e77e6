// What a table of 50 rows costs the main thread in Chromium, against a bare page that commits once a second, and one that
// commits as often as the hooks do: what it costs to render as often. A React page without the library stands beside:
// what it costs to leave out doubled ids by hand.
//   npm run bench:table            about twelve minutes: each page is opened six times, and fed for ten seconds each time
//   ROUNDS=2 npm run bench:table
import { test } from 'vitest'
import { launch } from '../test/browser/chromium.ts'
import type { Pace } from '../test/browser/table/feed.ts'
import { bundle, type Outcome, openPage, type TablePage } from '../test/browser/table/run.ts'

/** Pages are opened anew in each: where a process has its code and data makes some of the difference. */
const ROUNDS = Number(process.env['ROUNDS'] ?? 6)
/** The pages take turns: the fast and slow minutes of a machine fall on all of them alike. */
const TURNS = 2
const SECONDS = 5
const BARE = 'bare'
const PAGES: readonly (readonly [string, string, number?])[] = [
  [BARE, 'bare.ts'],
  ['bare, every 150 ms', 'bare.ts', 150],
  ['React, by hand', 'hand.tsx'],
  ['React', 'react.tsx'],
  ['Vue', 'vue.ts'],
]
const PACES: readonly Pace[] = [
  { perSecond: 2000, perFrame: 1 },
  { perSecond: 10_000, perFrame: 10 },
]

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

/** How many times `bare`, with the standard error of that: with few rounds a guess, with one none. */
const compare = (costs: readonly number[], bare: readonly number[]): string => {
  const times = sum(costs) / sum(bare)
  const errors = costs.map((cost, at) => (cost - times * (bare[at] as number)) ** 2)
  const error = Math.sqrt((sum(errors) * costs.length) / (costs.length - 1)) / sum(bare)
  return `${times.toFixed(2)}${costs.length > 1 ? ` ± ${error.toFixed(2)}` : ''}`
}

type Outcomes = ReadonlyMap<string, Outcome[]>

const measure = async (pace: Pace, outcomes: Outcomes): Promise<void> => {
  const browser = await launch()
  const pages: (readonly [Outcome[], TablePage])[] = []
  for (const [name, file, commitMs] of PAGES) {
    const page = await openPage(browser, await bundle(file, commitMs), pace)
    pages.push([outcomes.get(name) as Outcome[], page])
  }
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [of, page] of pages) of.push(await page.feed(SECONDS))
    }
  } finally {
    for (const [, page] of pages) await page.close()
    await browser.close()
  }
}

/** Of each round. */
const costs = (outcomes: readonly Outcome[]): readonly number[] =>
  Array.from({ length: ROUNDS }, (_, round) =>
    sum(
      outcomes
        .slice(round * TURNS, (round + 1) * TURNS)
        .map(({ mainThread }) => mainThread / TURNS),
    ),
  )

test.each(PACES)('$perSecond messages a second, $perFrame to a frame', async pace => {
  const outcomes: Outcomes = new Map(PAGES.map(([name]) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) await measure(pace, outcomes)
  const bare = costs(outcomes.get(BARE) as Outcome[])
  const row = (all: readonly Outcome[]): Record<string, string | number> => {
    const ends = all.filter((_, at) => at % TURNS === TURNS - 1)
    return {
      'runs in which a message was lost or doubled': ends.filter(
        ({ total, seen, outOfOrder }) => seen !== total || outOfOrder > 0,
      ).length,
      'commits a second': (
        sum(all.map(({ committed }) => committed)) /
        all.length /
        SECONDS
      ).toFixed(1),
      'main thread, ms a second': (sum(costs(all)) / ROUNDS).toFixed(0),
      'times bare': compare(costs(all), bare),
    }
  }
  console.log(`\n${pace.perSecond} messages a second, ${pace.perFrame} to a frame`)
  console.table(Object.fromEntries([...outcomes].map(([name, all]) => [name, row(all)])))
})
