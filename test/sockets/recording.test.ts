import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type WebSocketConstructor,
} from 'resilient-websocket'
import { createServer, startReplay } from 'resilient-websocket/server'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

/** Real market data, kept beside the repository and not in it. */
const file = fileURLToPath(
  new URL('../../../shared/data/spot_btcusdt_20240808.gz', import.meta.url),
)
const SPEED = 10

interface Binance {
  readonly stream?: string
  readonly data?: { readonly e?: string; readonly t?: number; readonly s?: string }
}

/** Frame by frame, what the exchange sent. */
const recorded = (): Binance[] =>
  gunzipSync(readFileSync(file))
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line.slice(line.indexOf(' ') + 1)) as Binance)

const isTrade = (data: unknown): boolean => (data as { e?: string }).e === 'trade'
/** The quotes of the book have no event name of their own. */
const isBookTicker = (data: unknown): boolean => !(data as { e?: string }).e

describe.skipIf(!existsSync(file))(
  `the Binance recording at speed ${SPEED} (skipped without shared/data beside the repository)`,
  () => {
    test('every frame is delivered once and in order; batches lose none; conflating the book loses no trade', async () => {
      const frames = recorded()
      expect(frames).toHaveLength(41_249)
      const server = createServer({ port: 0, host: '127.0.0.1', allowMissingOrigin: true })
      const { url } = await server.listen()
      const options = {
        url,
        environment: { WebSocket: WebSocket as unknown as WebSocketConstructor },
      }
      const plain = createResilientWebSocket(options)
      const conflated = createResilientWebSocket({
        ...options,
        batch: { conflate: ({ data }) => (isBookTicker(data) ? 'book' : undefined) },
      })
      const messages: IncomingEnvelope[] = []
      const batches: (readonly IncomingEnvelope[])[] = []
      const kept: IncomingEnvelope[] = []
      plain.on('message', message => messages.push(message))
      plain.on('batch', batch => batches.push(batch))
      conflated.on('batch', batch => kept.push(...batch))
      const joined = new Promise<void>(resolve => {
        let clients = 0
        server.on('connection', client => {
          const poll = setInterval(() => {
            if (client.channels.length < 2) return
            clearInterval(poll)
            if (++clients === 2) resolve()
          }, 5)
        })
      })
      for (const client of [plain, conflated]) client.subscribe(['BTCUSDT', 'replay'])
      await joined

      const replay = startReplay(server, file, { speed: SPEED })
      await replay.ended
      expect(replay.published()).toBe(41_249)
      await expect.poll(() => messages.length, { timeout: 10_000 }).toBe(41_249)
      plain.close()
      conflated.close()
      await server.close()

      // Line 8 is a snapshot by REST, which is no combined stream: it travels as it is on `replay`.
      const expected = frames.map(({ stream, data }, index) => (stream ? data : frames[index]))
      expect(messages.map(({ data }) => data)).toEqual(expected)
      const offsets = messages
        .filter(({ channel }) => channel === 'BTCUSDT')
        .map(({ offset }) => offset)
      expect(offsets).toEqual(offsets.map((_, index) => index + 1))
      expect(batches.flat()).toEqual(messages)
      expect(batches.length).toBeLessThan(3000)
      expect(plain.metrics()['duplicate'] ?? 0).toBe(0)
      const trades = (from: readonly IncomingEnvelope[]): unknown[] =>
        from.filter(({ data }) => isTrade(data)).map(({ data }) => data)
      expect(trades(kept)).toEqual(trades(messages))
      expect(trades(messages)).toHaveLength(9757)
      expect(kept.length).toBeLessThan(messages.length)
    }, 120_000)
  },
)
