// What a table of 50 rows costs the main thread in Chromium, against a bare page that commits once a second.
//   npm run bench:table            about seven minutes: three rounds, alternating
//   ROUNDS=1 npm run bench:table
import { test } from 'vitest'
import { launch } from '../test/browser/chromium.ts'
import { bundle, type Outcome, runPage } from '../test/browser/table/run.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const PAGES = ['bare.ts', 'react.tsx', 'vue.ts']
const PACES = [
  { perSecond: 2000, perFrame: 1, seconds: 10 },
  { perSecond: 10_000, perFrame: 10, seconds: 10 },
]

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] as number

test('a table of 50 rows', async () => {
  const browser = await launch()
  for (const pace of PACES) {
    const outcomes = new Map<string, Outcome[]>(PAGES.map(page => [page, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const page of PAGES) {
        outcomes.get(page)?.push(await runPage(browser, await bundle(page), pace))
      }
    }
    const cost = (page: string): number =>
      median((outcomes.get(page) ?? []).map(({ mainThread }) => mainThread))
    console.log(`\n${pace.perSecond} messages a second, ${pace.perFrame} to a frame`)
    console.table(
      Object.fromEntries(
        PAGES.map(page => {
          const all = outcomes.get(page) as Outcome[]
          return [
            page,
            {
              received: all.map(({ seen }) => seen).join(),
              'commits a second': (
                median(all.map(({ commits }) => commits)) / pace.seconds
              ).toFixed(1),
              'main thread, ms a second': cost(page).toFixed(0),
              'times bare': (cost(page) / cost('bare.ts')).toFixed(2),
            },
          ]
        }),
      ),
    )
  }
  await browser.close()
})
