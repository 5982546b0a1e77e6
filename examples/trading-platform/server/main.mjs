// @ts-check
/** The market of the trading platform: `npm run ws:server`. Quotes, signals, alerts, bars and orders. */
import { randomUUID } from 'node:crypto'
import { access } from 'node:fs/promises'
import { createServer, startMarket, startReplay } from 'resilient-websocket/server'
import { createBars } from './bars.mjs'
import { createExchange } from './exchange.mjs'
import { createNotices, noticesOf } from './notices.mjs'
import { whenOrphaned } from './orphan.mjs'
import { readSettings, USAGE, UsageError } from './settings.mjs'

/** @import { Publication, Publisher } from 'resilient-websocket/server' */
/** @import { Settings } from './settings.mjs' */

/** @type {Readonly<Record<string, string>>} */
const REASONS = {
  EADDRINUSE: 'is taken; choose another one with WS_PORT',
  EACCES: 'may not be used by this user',
  EADDRNOTAVAIL: 'is not available at this host',
}

/** A quote, or a trade of a replayed Binance recording. @param {unknown} data */
const quoteIn = data => {
  const given = /** @type {Record<string, unknown>} */ (data ?? {})
  const isTrade = given['e'] === 'trade' || given['e'] === 'aggTrade'
  const symbol = given['symbol'] ?? given['s']
  const price = given['price'] ?? (isTrade ? Number(given['p']) : undefined)
  return typeof symbol === 'string' && typeof price === 'number' ? { symbol, price } : undefined
}

/** @param {Settings} settings */
const serve = async ({ server: options, drainMs, seed, speed, replay, verbose }) => {
  if (replay !== undefined) {
    await access(replay).catch(() => {
      throw new UsageError(`--replay: there is no file ${replay}`)
    })
  }
  const bars = createBars({ withPast: replay === undefined })
  /** @type {Map<string, number>} */
  const prices = new Map()
  const notices = createNotices()

  const server = createServer({
    ...options,
    // Whoever is turned away is named, whether asked for it or not.
    logger: verbose ? console : { ...console, debug() {}, info() {} },
    // Runs one message of a client at a time. When it has resolved, the client's Delivery is `acked`.
    async onMessage({ type, data }) {
      if (type === 'order') await exchange.place(data)
      else if (type === 'cancel') await exchange.cancel(data)
      else if (type === 'recent') return { data: notices.recent() }
      else if (type === 'orders') return { data: exchange.ordersOf(data) }
      else if (type === 'history') {
        const symbol = String(/** @type {{ symbol?: unknown } | undefined} */ (data)?.symbol)
        return { data: { symbol, bars: bars.of(symbol) } }
      }
    },
  })

  const exchange = createExchange({
    priceOf: symbol => prices.get(symbol),
    publish: (channel, publication) => server.publish(channel, publication),
  })

  /** Everything that the feed says passes here on its way out. @type {Publisher} */
  const market = {
    async publish(channel, given) {
      const publication = { id: randomUUID(), timestamp: Date.now(), ...given }
      if (given.type === 'signal' || given.type === 'alert') {
        notices.add([publication])
      }
      const position = await server.publish(channel, publication)
      const quote = publication.type === 'market_data' ? quoteIn(publication.data) : undefined
      if (quote) {
        const first = !prices.has(quote.symbol)
        prices.set(quote.symbol, quote.price)
        bars.add(quote.symbol, quote.price, publication.timestamp)
        if (first) notices.add(noticesOf(quote.symbol, bars.of(quote.symbol)))
        await exchange.priced(quote.symbol, quote.price)
      }
      return position
    },
  }

  const { url } = await server.listen().catch(error => {
    const reason = REASONS[error.code]
    throw reason ? new UsageError(`Port ${options.port} ${reason}`) : error
  })
  console.log(`WebSocket server on ${url}, for pages of ${options.allowedOrigins?.join(', ')}`)
  /** @param {unknown} error */
  const onError = error => console.error(`Not published: ${error}`)
  const feed =
    replay === undefined
      ? startMarket(market, { seed, onError })
      : startReplay(market, replay, { speed, onError })

  let leaving = false
  const leave = async () => {
    if (leaving) return
    leaving = true
    feed.stop()
    if (server.connections()) await server.drain({ afterMs: 0, jitterMs: drainMs })
    await server.close()
    process.exit()
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  whenOrphaned(leave)
  feed.ended.catch(error => {
    console.error(`Replay failed: ${error.message}`)
    process.exitCode = 1
    leave()
  })
}

try {
  const settings = readSettings(process.argv.slice(2), process.env)
  if (settings) await serve(settings)
  else console.log(USAGE)
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exit(1)
}
