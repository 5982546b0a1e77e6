/** A service worker that answers polls, in a real browser. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { explainMissing, hasChromium, launch } from './chromium.ts'

explainMissing()

/** Asks the network first, and its cache without one, as most workers do; or answers with the app's shell. */
const WORKER = `
  addEventListener('install', () => skipWaiting())
  addEventListener('activate', event => event.waitUntil(clients.claim()))
  addEventListener('fetch', event => {
    const { pathname, search } = new URL(event.request.url)
    if (pathname === '/shell') return event.respondWith(fetch('/'))
    if (pathname !== '/poll') return
    event.respondWith((async () => {
      const cache = await caches.open('polls')
      try {
        const fresh = await fetch(event.request)
        await cache.put(event.request, fresh.clone())
        return fresh
      } catch {
        return cache.match(event.request)
      }
    })())
  })
`

const PAGE = `<!doctype html><title>App</title><script type="module">
  import { createResilientWebSocket } from '/client.js'
  await navigator.serviceWorker.register('/worker.js')
  await navigator.serviceWorker.ready
  if (!navigator.serviceWorker.controller) {
    await new Promise(run => navigator.serviceWorker.addEventListener('controllerchange', run, { once: true }))
  }
  window.start = url => {
    const heard = { messages: 0, errors: [], statuses: [] }
    const socket = createResilientWebSocket({
      url: 'ws://' + location.host + '/nothing-here',
      reconnect: { maxAttempts: 0 },
      fallback: { url, intervalMs: 2500, probeIntervalMs: 600000 },
    })
    socket.on('message', () => heard.messages++)
    socket.on('error', ({ code, message }) => code === 'POLL' && heard.errors.push(message))
    socket.on('status', ({ to }) => heard.statuses.push(to))
    window.heard = heard
  }
  document.title = 'ready'
</script>`

interface Heard {
  readonly messages: number
  readonly errors: readonly string[]
  readonly statuses: readonly string[]
}

describe.skipIf(!hasChromium)('a service worker that answers polls', () => {
  let server: Server
  let browser: Browser
  let origin = ''
  let client = ''
  let offline = false

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const [path = ''] = (request.url ?? '').split('?')
    const send = (type: string, body: string): void => {
      response.writeHead(200, { 'content-type': type }).end(body)
    }
    if (path === '/client.js') send('text/javascript', client)
    else if (path === '/worker.js') send('text/javascript', WORKER)
    else if (path !== '/poll') send('text/html', PAGE)
    else if (offline) request.socket.destroy()
    else send('application/json', '{"price":1}')
  }

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
    const bundle = await build({ entryPoints: [entry], bundle: true, format: 'esm', write: false })
    client = bundle.outputFiles[0]?.text ?? ''
    server = createServer(answer)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launch()
  }, 60_000)

  afterAll(async () => {
    await browser?.close()
    server?.closeAllConnections()
    server?.close()
  })

  const open = async (url: string): Promise<Page> => {
    const page = await browser.newPage()
    await page.goto(origin)
    await page.waitForFunction("document.title === 'ready'")
    await page.evaluate(`start('${url}')`)
    return page
  }

  const heardOf = (page: Page): Promise<Heard> => page.evaluate('heard')

  test('from its cache is noticed, and what it gives is no news', async () => {
    offline = false
    const page = await open('/poll')
    await page.waitForFunction('heard.messages === 1')
    offline = true
    await page.waitForFunction('heard.errors.length === 1', undefined, { timeout: 20_000 })
    expect(await heardOf(page)).toEqual({
      messages: 1,
      errors: [expect.stringMatching(/copy.*service worker/)],
      statuses: ['FALLBACK'],
    })
    await page.close()
  }, 60_000)

  test("with the app's shell is no fallback", async () => {
    const page = await open('/shell')
    await page.waitForFunction('heard.errors.length === 1')
    expect(await heardOf(page)).toMatchObject({
      messages: 0,
      errors: [expect.stringMatching(/^No fallback at \/shell \(HTTP 200, an HTML page/)],
      statuses: ['FALLBACK', 'RECONNECTING'],
    })
    await page.close()
  }, 60_000)
})
