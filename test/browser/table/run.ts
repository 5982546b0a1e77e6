/** One page fed at one pace in Chromium. */
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { createFeed, type Pace } from './feed.ts'
import type { Tally } from './tally.ts'

export interface Outcome extends Tally {
  /** Messages that it was sent so far. */
  readonly total: number
  /** Rows that do not show the last price of their symbol. */
  readonly wrongRows: readonly string[]
  /** What went to the console as an error or warning, or was thrown. */
  readonly complaints: readonly string[]
  /** Commits while it was fed. */
  readonly committed: number
  /** CPU time of the main thread while it was fed, in ms a second. */
  readonly mainThread: number
}

/** `commitMs`: how often the bare page commits. */
export const bundle = async (name: string, commitMs = 1000): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [new URL(name, import.meta.url).pathname],
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
    define: {
      'process.env.NODE_ENV': '"production"',
      COMMIT_MS: `${commitMs}`,
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    minify: true,
    bundle: true,
    format: 'esm',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** A page that has connected and waits to be fed. */
export interface TablePage {
  /** Feeds it for so long, and says how it stands when all has arrived. */
  feed(seconds: number): Promise<Outcome>
  close(): Promise<void>
}

export const openPage = async (
  browser: Browser,
  script: string,
  pace: Pace,
): Promise<TablePage> => {
  const feed = await createFeed(pace)
  const page = await browser.newPage()
  const close = async (): Promise<void> => {
    await page.close()
    await feed.close()
  }
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(error.message))
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  const session = await page.context().newCDPSession(page)
  const busy = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
  }
  try {
    await page.goto(feed.pageUrl)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    await page.addScriptTag({ type: 'module', content: script })
    await feed.ready
  } catch (thrown) {
    await close()
    throw thrown
  }

  return {
    async feed(seconds) {
      const commits = await page.evaluate<number>('tally.commits')
      const before = await busy()
      await feed.run(seconds)
      // Without what follows, which is a commit more: of many short turns it would be a large part.
      const after = await busy()
      const committed = (await page.evaluate<number>('tally.commits')) - commits
      const done = `tally.seen + tally.outOfOrder >= ${feed.total}`
      await page.waitForFunction(done, null, { polling: 250, timeout: seconds * 2000 + 5000 })
      // The last batch is shown.
      const wrong = `${JSON.stringify(Object.entries(feed.prices))}
        .filter(([symbol, price]) => document.getElementById(symbol).textContent !== price)
        .map(([symbol]) => symbol)`
      await page
        .waitForFunction(`!${wrong}.length`, null, { polling: 250, timeout: 3000 })
        .catch(() => {})
      return {
        ...(await page.evaluate<Tally>('tally')),
        total: feed.total,
        wrongRows: await page.evaluate<string[]>(wrong),
        complaints,
        committed,
        mainThread: ((after - before) * 1000) / seconds,
      }
    },
    close,
  }
}
