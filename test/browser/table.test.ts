/** A table of 50 rows under load: every message is seen, and the page renders a few times a second. */
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainMissing, hasChromium, launch } from './chromium.ts'
import { bundle, openPage } from './table/run.ts'

explainMissing()

const SECONDS = 10
/** At most one in a window, one at once, and the first. */
const WINDOW_MS = 150

let browser: Browser

beforeAll(async () => {
  if (hasChromium) browser = await launch()
})
afterAll(async () => {
  await browser?.close()
})

describe.skipIf(!hasChromium).each(['react.tsx', 'vue.ts'])('a table of 50 rows, %s', page => {
  test.each([
    { perSecond: 2000, perFrame: 1 },
    { perSecond: 10_000, perFrame: 10 },
  ])('$perSecond messages a second, $perFrame to a frame', async pace => {
    const table = await openPage(browser, await bundle(page), pace)
    const outcome = await table.feed(SECONDS).finally(table.close)
    expect(outcome.complaints).toEqual([])
    expect(outcome.outOfOrder).toBe(0)
    expect(outcome.seen).toBe(outcome.total)
    expect(outcome.wrongRows).toEqual([])
    expect(outcome.commits).toBeLessThanOrEqual(Math.ceil(outcome.lastedMs / WINDOW_MS) + 2)
    expect(outcome.statuses).toEqual(['CONNECTING', 'OPEN'])
  })
})
