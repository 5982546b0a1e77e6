/** Debian's Firefox, through Playwright and WebDriver BiDi. */
import { existsSync } from 'node:fs'
import { firefox } from 'playwright-core'
import { type Browser, type Engine, NO_PROXY, type Tab } from './engine.ts'

const PATH = '/usr/bin/firefox-esr'

export const firefoxEngine: Engine = {
  name: 'Firefox',
  cannot: {
    'back/forward cache': 'keeps no page that had a WebSocket; it is loaded anew',
    freeze: 'has no freeze and resume events',
    'offline in a worker': 'its driver takes the network away from pages only',
  },
  missing: [PATH].filter(path => !existsSync(path)),
  async launch({ proxy }): Promise<Browser> {
    const launched = await firefox.launch({
      executablePath: PATH,
      channel: 'moz-firefox',
      proxy: { server: `http://${proxy}`, bypass: NO_PROXY.join(',') },
      // Tabs that a page opens cover it; those that the driver opens are windows of their own.
      firefoxUserPrefs: {
        'dom.disable_open_during_load': false,
        // As for users; automation switches it off.
        'dom.min_background_timeout_value': 1000,
        'dom.min_background_timeout_value_without_budget_throttling': 1000,
      },
    })
    const context = await launched.newContext({ ignoreHTTPSErrors: true })
    return {
      version: launched.version(),
      async open(url): Promise<Tab> {
        const page = await context.newPage()
        await page.goto(url)
        return {
          async goto(next) {
            await page.goto(next)
          },
          async back() {
            await page.goBack()
          },
          evaluate: expression => page.evaluate(expression),
          hide: () => page.evaluate(`void (globalThis.cover = open('about:blank'))`),
          show: () => page.evaluate('cover.close()'),
          setOffline: offline => context.setOffline(offline),
          close: () => page.close(),
        }
      },
      close: () => launched.close(),
    }
  },
}
