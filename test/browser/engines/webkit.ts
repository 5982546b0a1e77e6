/** WebKitGTK, through the WebDriver protocol over plain HTTP. https://www.w3.org/TR/webdriver2/ */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { type Browser, type Engine, type LaunchOptions, NO_PROXY, type Tab } from './engine.ts'

const DRIVER = '/usr/bin/WebKitWebDriver'
const SCREEN = '/usr/bin/Xvfb'
const BROWSER = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/webkit2gtk-4.1/MiniBrowser`

/** A command that takes longer hangs. */
const LONGEST_MS = 45_000
/** It starts in 1 s, or now and then never: then another one is started. */
const START_MS = 15_000
const STARTS = 3

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** In the page: hands the value, or the error, of an expression back. */
const RUN = (expression: string): string => `
  const done = arguments[arguments.length - 1]
  const run = async () => (${expression})
  run().then(value => done({ value }), error => done({ error: String(error?.stack ?? error) }))
`

export const webkitEngine: Engine = {
  name: 'WebKitGTK',
  cannot: {
    freeze: 'has no freeze and resume events',
    offline: 'its driver cannot take the network away',
    'offline in a worker': 'its driver cannot take the network away',
  },
  missing: [DRIVER, SCREEN, BROWSER].filter(path => !existsSync(path)),
  async launch(options): Promise<Browser> {
    for (let start = 1; ; start++) {
      try {
        return await launchOnce(options)
      } catch (thrown) {
        if (start === STARTS) throw thrown
      }
    }
  },
}

const launchOnce = async ({ proxy }: LaunchOptions): Promise<Browser> => {
  const screen = spawn(SCREEN, ['-displayfd', '1', '-screen', '0', '1280x1024x24'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [display] = await once(screen.stdout, 'data')
  const port = await freePort()
  const driver = spawn(DRIVER, [`--port=${port}`, '--host=127.0.0.1'], {
    stdio: 'ignore',
    env: {
      ...process.env,
      DISPLAY: `:${String(display).trim()}`,
      // No desktop is there to talk to; looking for one may hang.
      DBUS_SESSION_BUS_ADDRESS: 'disabled:',
      NO_AT_BRIDGE: '1',
      GSETTINGS_BACKEND: 'memory',
    },
  })
  const kill = async (): Promise<void> => {
    for (const child of [driver, screen]) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }

  const call = async <T = never>(
    method: string,
    path: string,
    body?: object,
    withinMs = LONGEST_MS,
  ): Promise<T> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
      signal: AbortSignal.timeout(withinMs),
    })
    const { value } = await response.json()
    if (response.ok) return value
    throw new Error(`WebDriver ${method} ${path}: ${value?.error}: ${value?.message}`)
  }

  const up = async (): Promise<void> => {
    for (let tries = 0; ; tries++) {
      try {
        return await call('GET', '/status')
      } catch (thrown) {
        if (tries >= 200 || driver.exitCode !== null) throw thrown
        await pause(50)
      }
    }
  }

  try {
    await up()
    const alwaysMatch = {
      acceptInsecureCerts: true,
      proxy: { proxyType: 'manual', httpProxy: proxy, noProxy: NO_PROXY },
      'webkitgtk:browserOptions': { binary: BROWSER, args: ['--automation'] },
    }
    const { sessionId, capabilities } = await call(
      'POST',
      '/session',
      { capabilities: { alwaysMatch } },
      START_MS,
    )
    const at = (path: string): string => `/session/${sessionId}${path}`
    await call('POST', at('/timeouts'), { script: LONGEST_MS, pageLoad: LONGEST_MS })

    const first: string = await call('GET', at('/window'))

    /** Commands go to the window that was switched to last; one at a time. */
    let last: Promise<unknown> = Promise.resolve()
    const inWindow = <T>(handle: string, run: () => Promise<T>): Promise<T> => {
      const next = last.then(async () => {
        await call('POST', at('/window'), { handle })
        return run()
      })
      last = next.catch(() => {})
      return next
    }

    const openTab = async (): Promise<string> => {
      const { handle } = await inWindow(first, () =>
        call<{ handle: string }>('POST', at('/window/new'), { type: 'tab' }),
      )
      return handle
    }
    const closeTab = (handle: string): Promise<void> =>
      inWindow(handle, () => call('DELETE', at('/window')))

    return {
      version: (capabilities as { browserVersion: string }).browserVersion,
      async open(url) {
        const handle = await openTab()
        let cover = ''
        const tab: Tab = {
          goto: next => inWindow(handle, () => call('POST', at('/url'), { url: next })),
          back: () => inWindow(handle, () => call('POST', at('/back'))),
          async evaluate(expression) {
            const { value, error } = await inWindow(handle, () =>
              call('POST', at('/execute/async'), { script: RUN(expression), args: [] }),
            )
            if (error) throw new Error(error)
            return value
          },
          async hide() {
            cover = await openTab()
          },
          async show() {
            await closeTab(cover)
          },
          close: () => closeTab(handle),
        }
        await tab.goto(url)
        return tab
      },
      async close() {
        await call('DELETE', at('')).catch(() => {})
        await kill()
      },
    }
  } catch (thrown) {
    await kill()
    throw thrown
  }
}
