/** Runs the same tests in each engine that is there, each with a fresh tab and a fresh server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import type { Browser, Engine, Tab } from './engine.ts'
import { ENGINES } from './engines.ts'
import type { Report } from './lab.ts'
import { createSite, type Site } from './site.ts'
import { createStand, type Stand } from './stand.ts'

/** As soon as tests like, and with redials for as long as they like. */
export const OPTIONS = {
  connectTimeoutMs: 1000,
  reconnect: { initialDelayMs: 50, maxDelayMs: 300, maxAttempts: 1000 },
  fallback: false,
}

export interface Bench {
  readonly engine: Engine
  readonly site: Site
  readonly browser: Browser
  readonly stand: Stand
  readonly tab: Tab
  /** Starts a client in the tab. */
  start(options?: object): Promise<void>
  /** Starts a client, and numbers both ways. */
  flow(options?: object): Promise<void>
  /** Lets the following run in a worker of the page. */
  useWorker(): void
  /** The value of an expression in the page, or in its worker. */
  evaluate<T>(expression: string): Promise<T>
  /** Waits until an expression is true in the page. */
  until(expression: string): Promise<void>
  /** Ends the numbers, waits until everything has arrived, and says what was promised and not kept. */
  calm(told?: boolean): Promise<Report & { violations: readonly string[] }>
}

export const inEngines = (tests: (bench: Bench) => void): void => {
  for (const engine of ENGINES) {
    describe(engine.name, () => {
      let site: Site
      let browser: Browser
      let stand: Stand
      let tab: Tab
      let inWorker = false

      beforeAll(async () => {
        site = await createSite()
        browser = await engine.launch(site)
      })
      afterAll(async () => {
        await browser?.close()
        await site.close()
      })
      beforeEach(async () => {
        stand = await createStand([site.origin, site.tlsOrigin, site.insecureOrigin])
        tab = await browser.open(site.origin)
        inWorker = false
      })
      afterEach(async () => {
        await tab.close()
        await stand.close()
      })

      const bench: Bench = {
        engine,
        get site() {
          return site
        },
        get browser() {
          return browser
        },
        get stand() {
          return stand
        },
        get tab() {
          return tab
        },
        useWorker() {
          inWorker = true
        },
        evaluate(expression) {
          return tab.evaluate(inWorker ? `lab.inWorker(${JSON.stringify(expression)})` : expression)
        },
        start(options) {
          const all = { url: stand.url, ...OPTIONS, ...options }
          return bench.evaluate(`lab.start(${JSON.stringify(all)})`)
        },
        async flow(options) {
          await bench.start(options)
          await bench.evaluate('lab.listen()')
          stand.talk()
          await bench.evaluate('lab.talk(20)')
          await bench.until('lab.report().heard.length > 20')
        },
        async until(expression) {
          await expect
            .poll(() => bench.evaluate(expression), {
              timeout: 30_000,
              interval: 25,
              message: expression,
            })
            .toBe(true)
        },
        async calm(told) {
          await bench.evaluate('lab.hush()')
          stand.hush()
          await bench.until(
            `lab.report().heard.at(-1) === ${stand.published} && lab.report().settled.length === lab.report().deliveries.length`,
          )
          const report = await bench.evaluate<Report>('lab.report()')
          return { ...report, violations: stand.violations(report, told) }
        },
      }
      tests(bench)
    })
  }
}
