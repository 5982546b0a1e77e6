// @ts-check
/** The companion server of the demo, which can be stopped and started, and the prices that go on meanwhile. */
import { basename } from 'node:path'
import {
  createServer,
  MARKET_SYMBOLS,
  MemoryBroker,
  startMarket,
  startReplay,
} from 'resilient-websocket/server'

/** @import { Feed, Publisher, ResilientServer } from 'resilient-websocket/server' */

/** From the end of a recording to its beginning. */
const PAUSE_MS = 5000

/** @typedef {{ feed: string, channels: readonly string[], begin(): void, stop(): void }} Prices */

/** @param {Publisher} publisher @returns {Prices} */
const simulated = publisher => {
  const market = startMarket(publisher)
  return {
    feed: 'Simulated prices',
    channels: MARKET_SYMBOLS,
    begin() {},
    stop: market.stop,
  }
}

/**
 * A recording begins when somebody listens, so that nobody misses the first frame, and begins again
 * after its end. Rejects where it cannot be read.
 * @param {Publisher} publisher @param {string} file @param {number} speed @returns {Promise<Prices>}
 */
const recorded = async (publisher, file, speed) => {
  /** @type {Set<string>} */
  const channels = new Set()
  const look = {
    publish: async (/** @type {string} */ channel) => {
      channels.add(channel)
      return { epoch: '', offset: 0 }
    },
  }
  await startReplay(look, file, { speed: Number.MAX_VALUE }).ended
  if (!channels.size)
    throw new Error(`${file}: expected a recording, found no incoming frame in it`)

  /** @type {Feed | undefined} */
  let replay
  /** @type {NodeJS.Timeout | undefined} */
  let pause
  let stopped = false
  const play = () => {
    replay = startReplay(publisher, file, { speed })
    replay.ended.then(() => {
      if (!stopped) pause = setTimeout(play, PAUSE_MS)
    }, console.error)
  }
  return {
    feed: `${basename(file)}${speed === 1 ? '' : ` at speed ${speed}`}`,
    channels: [...channels],
    begin() {
      if (!replay) play()
    },
    stop() {
      stopped = true
      replay?.stop()
      clearTimeout(pause)
    },
  }
}

/** @param {{ port: number, origins: readonly string[], heartbeat: { intervalMs: number, timeoutMs: number }, replay?: string, speed: number }} options */
export const createCompanion = async ({ port, origins, heartbeat, replay, speed }) => {
  // Outside the server, as it would be with Redis: what is published while it is down is not its loss.
  const broker = new MemoryBroker()
  const prices = replay ? await recorded(broker, replay, speed) : simulated(broker)
  /** @type {ResilientServer | undefined} */
  let server
  let ownPort = port

  const stop = async () => {
    const stopping = server
    server = undefined
    await stopping?.close()
  }

  return {
    feed: prices.feed,
    channels: prices.channels,
    running: () => server !== undefined,
    async start() {
      if (server) return ownPort
      const starting = createServer({
        port: ownPort,
        host: '127.0.0.1',
        allowedOrigins: origins,
        heartbeat,
        broker,
        authorize() {
          prices.begin()
          return true
        },
      })
      server = starting
      try {
        ownPort = (await starting.listen()).port
      } catch (error) {
        server = undefined
        throw error
      }
      return ownPort
    },
    stop,
    async close() {
      prices.stop()
      await stop()
    },
  }
}
