/**
 * Chromium, through the DevTools protocol. Playwright starts it, but its own tabs always look visible and
 * focused: these are opened past it.
 */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { type Browser, type Engine, NO_PROXY, type Tab } from './engine.ts'

const PATH = '/usr/bin/chromium'

/** They switch off what these tests are about: the throttling of hidden tabs and the back/forward cache. */
const SPOILERS = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--disable-back-forward-cache',
]

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly result?: never
  readonly error?: { message: string }
}

interface Evaluated {
  readonly result: { value: never }
  readonly exceptionDetails?: { text: string; exception?: { description?: string } }
}

interface NavigationHistory {
  readonly currentIndex: number
  readonly entries: readonly { id: number }[]
}

export const chromiumEngine: Engine = {
  name: 'Chromium',
  cannot: {},
  missing: [PATH].filter(path => !existsSync(path)),
  async launch({ proxy }): Promise<Browser> {
    const launched = await chromium.launch({
      executablePath: PATH,
      ignoreDefaultArgs: SPOILERS,
      proxy: { server: `http://${proxy}`, bypass: NO_PROXY.join(',') },
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--ignore-certificate-errors',
        // Instead of after five minutes.
        '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5',
        ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    })
    const root = await launched.newBrowserCDPSession()
    const heard = new Map<string, (answer: Answer) => void>()
    root.on('Target.receivedMessageFromTarget', ({ sessionId, message }) => {
      heard.get(sessionId)?.(JSON.parse(message))
    })

    /** A tab, and how to send it a command. */
    const attach = async (url: string) => {
      const { targetId } = await root.send('Target.createTarget', { url })
      const { sessionId } = await root.send('Target.attachToTarget', { targetId, flatten: false })
      const waiting = new Map<number | string, (answer: Answer) => void>()
      let last = 0
      heard.set(sessionId, answer => {
        const name = answer.id ?? answer.method ?? ''
        const take = waiting.get(name)
        waiting.delete(name)
        take?.(answer)
      })
      const event = (method: string): Promise<unknown> =>
        new Promise(resolve => waiting.set(method, resolve))
      const send = async <T>(method: string, params: object = {}): Promise<T> => {
        const id = ++last
        const answered = new Promise<Answer>(resolve => waiting.set(id, resolve))
        const message = JSON.stringify({ id, method, params })
        await root.send('Target.sendMessageToTarget', { sessionId, message })
        const { result, error } = await answered
        if (error) throw new Error(`${method}: ${error.message}`)
        return result as T
      }
      const close = async (): Promise<void> => {
        heard.delete(sessionId)
        await root.send('Target.closeTarget', { targetId })
      }
      return { send, event, close }
    }

    const open = async (url: string): Promise<Tab> => {
      const { send, event, close } = await attach('about:blank')
      let cover: Awaited<ReturnType<typeof attach>> | undefined
      await send('Page.enable')
      const tab: Tab = {
        async goto(next) {
          const loaded = event('Page.loadEventFired')
          await send('Page.navigate', { url: next })
          await loaded
        },
        async back() {
          const { currentIndex, entries } = await send<NavigationHistory>(
            'Page.getNavigationHistory',
          )
          // A page out of the cache fires no `load`.
          const there = event('Page.frameNavigated')
          await send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1]?.id })
          await there
        },
        async evaluate(expression) {
          const { result, exceptionDetails } = await send<Evaluated>('Runtime.evaluate', {
            expression,
            awaitPromise: true,
            returnByValue: true,
          })
          if (!exceptionDetails) return result.value
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
        },
        async hide() {
          cover = await attach('about:blank')
          await cover.send('Page.bringToFront')
        },
        async show() {
          await send('Page.bringToFront')
          await cover?.close()
          cover = undefined
        },
        async freeze(frozen) {
          await send('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' })
        },
        async setOffline(offline) {
          await send('Network.enable')
          await send('Network.emulateNetworkConditions', {
            offline,
            latency: 0,
            downloadThroughput: -1,
            uploadThroughput: -1,
          })
        },
        async close() {
          await cover?.close()
          await close()
        },
      }
      await tab.goto(url)
      return tab
    }

    return { version: launched.version(), open, close: () => launched.close() }
  },
}
