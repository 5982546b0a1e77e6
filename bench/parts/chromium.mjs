// What a received message costs the main thread of a page in Chromium, one message to a frame.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { WIRES } from '../clients/wires.mjs'
import { CLIENTS } from './rows.mjs'

const PATH = '/usr/bin/chromium'
const PER_SECOND = 2000
const TICK_MS = 5
const WARM_UP_SECONDS = 1
const SECONDS = 2
const MAX_MS = 10_000

export const part = {
  name: 'chromium',
  title: 'Receiving, in Chromium',
  about:
    'CPU time of the page’s main thread (`TaskDuration` in thread ticks, by `Performance.getMetrics`) for one received message of 190 bytes; 2,000 a second, one to a frame. Most of it is the browser’s own work for a frame, so that the ratios are lower than in memory.',
  maxRounds: 3,
  rows: CLIENTS,
  columns: [
    {
      metric: 'us',
      title: 'µs a message',
      digits: 1,
      compare: 'ratio',
      chart: 'receive, in Chromium',
    },
  ],
}

/** What is missing on this machine, if anything is. */
export const whatIsMissing = () =>
  existsSync(PATH)
    ? undefined
    : `${PATH} is not there. Install it (apt-get install chromium), or leave this part out: --without chromium`

const bundleFor = async (name, url) => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('chromium-page.mjs', import.meta.url))],
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: {},
    define: {
      CONTENDER: JSON.stringify(name),
      FEED_URL: JSON.stringify(url),
      'process.env.NODE_ENV': '"production"',
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return outputFiles[0].text
}

/** The page's address, and a server that speaks the wire of the contender at any path. */
const openFeed = async wire => {
  const site = createServer((_request, response) =>
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Bench</title>'),
  )
  const sockets = new WebSocketServer({ server: site })
  sockets.on('connection', socket => {
    const say = text => socket.send(text)
    wire.greet(say)
    socket.on('message', data => wire.answer(String(data), say))
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  let number = 0
  return {
    port: site.address().port,
    total: () => number,
    /** Sends at the pace for so long. */
    run: seconds =>
      new Promise(resolve => {
        const first = number
        const began = performance.now()
        const timer = setInterval(() => {
          const due = Math.min(seconds, (performance.now() - began) / 1000) * PER_SECOND
          while (number - first < due) {
            const text = wire.message(++number)
            for (const socket of sockets.clients) socket.send(text)
          }
          if (number - first < seconds * PER_SECOND) return
          clearInterval(timer)
          resolve()
        }, TICK_MS)
      }),
  }
}

export const measure = async name => {
  const feed = await openFeed(WIRES[name]())
  const browser = await chromium.launch({
    executablePath: PATH,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })
  try {
    const page = await browser.newPage()
    const complaints = []
    page.on('pageerror', error => complaints.push(error.message))
    await page.goto(`http://127.0.0.1:${feed.port}/`)
    const session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
    const busySeconds = async () => {
      const { metrics } = await session.send('Performance.getMetrics')
      return metrics.find(metric => metric.name === 'TaskDuration').value
    }
    const content = await bundleFor(name, `ws://127.0.0.1:${feed.port}/ws`)
    await page.addScriptTag({ type: 'module', content })
    await page.waitForFunction('globalThis.isOpen', null, { timeout: MAX_MS })
    const fed = async seconds => {
      await feed.run(seconds)
      const done = `globalThis.counted >= ${feed.total()}`
      await page.waitForFunction(done, null, { polling: 100, timeout: MAX_MS })
    }
    await fed(WARM_UP_SECONDS)
    const before = await busySeconds()
    await fed(SECONDS)
    const seconds = (await busySeconds()) - before
    const counted = await page.evaluate('globalThis.counted')
    if (counted !== feed.total() || complaints.length > 0) {
      throw new Error(`${name}: ${counted} of ${feed.total()} messages; ${complaints.join('; ')}`)
    }
    return { us: (seconds * 1_000_000) / (SECONDS * PER_SECOND) }
  } finally {
    await browser.close()
  }
}
