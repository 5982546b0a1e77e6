// @ts-check
/** The whole demo: the page, a proxy that breaks its connection, and the companion server behind it. */
import { createCompanion } from './companion.mjs'
import { createControl } from './control.mjs'
import { createFaultProxy } from './fault-proxy.mjs'
import { buildPage, forwardTo, listenLocally, serveFiles } from './page.mjs'

/** @import { RequestListener } from 'node:http' */

const SNAPSHOT_PATH = '/api/market/snapshot'
const SLOW_MS = 500

/** @typedef {{ port: number, serverPort: number, proxyPort: number, replay?: string, speed: number, heartbeat: { intervalMs: number, timeoutMs: number } }} DemoOptions */

/** Waits for a port and, if it is taken, says which. @template T @param {string} option @param {number} port @param {Promise<T>} listening */
const claim = async (option, port, listening) => {
  try {
    return await listening
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error
    throw new Error(
      `Port ${port} is taken: end what listens there, or choose another with --${option}`,
    )
  }
}

/** @param {DemoOptions} options */
export const startDemo = async ({ port, serverPort, proxyPort, replay, speed, heartbeat }) => {
  /** What to end, the last first. @type {(() => Promise<unknown>)[]} */
  const started = []
  const close = async () => {
    for (const end of started.splice(0).reverse()) await end()
  }
  try {
    const files = await buildPage()

    /** @type {RequestListener} */
    let route = (_, response) => {
      response.writeHead(503).end()
    }
    const page = await claim(
      'port',
      port,
      listenLocally((...both) => route(...both), port),
    )
    started.push(page.close)
    const origins = ['localhost', '127.0.0.1', '[::1]'].map(name => `http://${name}:${page.port}`)

    const companion = await createCompanion({ port: serverPort, origins, replay, speed, heartbeat })
    started.push(companion.close)
    const ownPort = await claim('server-port', serverPort, companion.start())

    const target = { host: '127.0.0.1', port: ownPort }
    const proxy = await claim(
      'proxy-port',
      proxyPort,
      createFaultProxy({ target, port: proxyPort }),
    )
    started.push(proxy.close)

    let network = 'fine'
    /** One fault at a time. @param {string} name @param {() => void} [fault] */
    const setNetwork = async (name, fault = () => {}) => {
      proxy.heal()
      await proxy.resume()
      fault()
      network = name
    }
    const actions = {
      cut: () => proxy.cut(),
      blackhole: () => setNetwork('black hole', () => proxy.blackhole()),
      slow: () => setNetwork('slow', () => proxy.delay(SLOW_MS)),
      'block-websocket': () =>
        setNetwork('blocks WebSocket', () => {
          proxy.rejectUpgrade(403)
          proxy.cut()
        }),
      'stop-server': () => companion.stop(),
      'start-server': () => companion.start(),
      heal: async () => {
        await setNetwork('fine')
        await companion.start()
      },
    }
    const control = createControl({
      origins: () => origins,
      actions,
      state: () => ({
        socketUrl: proxy.url('/ws'),
        network,
        server: companion.running() ? 'running' : 'stopped',
        feed: companion.feed,
        channels: companion.channels,
      }),
    })

    const snapshot = forwardTo(proxy.port)
    const serve = serveFiles(files)
    route = (request, response) => {
      const { url = '' } = request
      if (url.startsWith('/demo/')) control(request, response)
      else if (url.startsWith(SNAPSHOT_PATH)) snapshot(request, response)
      else serve(request, response)
    }

    return {
      url: `http://localhost:${page.port}`,
      serverUrl: `ws://localhost:${ownPort}/ws`,
      proxyUrl: proxy.url('/ws'),
      feed: companion.feed,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
