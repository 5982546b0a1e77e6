// What a table of 50 rows costs the main thread in Chromium, against a bare page that commits once a second, and one that
// commits as often as the hooks do: what it costs to render as often.
//   npm run bench:table            about ten minutes: seven rounds, alternating
//   ROUNDS=1 npm run bench:table
import { test } from 'vitest'
import { launch } from '../test/browser/chromium.ts'
import { bundle, type Outcome, runPage } from '../test/browser/table/run.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 7)
const BARE = 'bare'
const PAGES: readonly (readonly [string, string, number?])[] = [
  [BARE, 'bare.ts'],
  ['bare, every 150 ms', 'bare.ts', 150],
  ['React', 'react.tsx'],
  ['Vue', 'vue.ts'],
]
const PACES = [
  { perSecond: 2000, perFrame: 1, seconds: 10 },
  { perSecond: 10_000, perFrame: 10, seconds: 10 },
]

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number

test('a table of 50 rows', async () => {
  const browser = await launch()
  for (const pace of PACES) {
    const outcomes = new Map<string, Outcome[]>(PAGES.map(([page]) => [page, []]))
    const costs = (page: string): number[] =>
      (outcomes.get(page) ?? []).map(({ mainThread }) => mainThread)
    for (let round = 0; round < ROUNDS; round++) {
      for (const [page, file, commitMs] of PAGES) {
        outcomes.get(page)?.push(await runPage(browser, await bundle(file, commitMs), pace))
      }
    }
    const bare = costs(BARE)
    console.log(`\n${pace.perSecond} messages a second, ${pace.perFrame} to a frame`)
    console.table(
      Object.fromEntries(
        PAGES.map(([page]) => {
          const all = outcomes.get(page) as Outcome[]
          return [
            page,
            {
              'lost or doubled': all.filter(each => each.seen !== each.total || each.outOfOrder)
                .length,
              'commits a second': (
                median(all.map(({ commits }) => commits)) / pace.seconds
              ).toFixed(1),
              'main thread, ms a second': median(costs(page)).toFixed(0),
              // Of the same round: machines have fast and slow minutes.
              'times bare': median(
                costs(page).map((cost, at) => cost / (bare[at] as number)),
              ).toFixed(2),
            },
          ]
        }),
      ),
    )
  }
  await browser.close()
})
