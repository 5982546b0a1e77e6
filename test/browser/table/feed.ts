/** A server that sends numbered quotes of 50 symbols at a given pace, and the empty page for them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

export const SYMBOLS: readonly string[] = Array.from({ length: 50 }, (_, index) => `S${index}`)

/** What a page is fed. */
export interface Pace {
  readonly perSecond: number
  readonly perFrame: number
}

export interface Feed {
  readonly pageUrl: string
  /** Messages that were, or are being, sent to each connection. */
  readonly total: number
  /** What each row shows once they have arrived. */
  readonly prices: Readonly<Record<string, string>>
  /** A page is there and has said so, by its first frame. */
  readonly ready: Promise<void>
  /** Sends for so long, from where it stopped. */
  run(seconds: number): Promise<void>
  close(): Promise<void>
}

const TICK_MS = 5
const HTML =
  '<!doctype html><title>Table</title><style>table { table-layout: fixed; width: 20em }</style><main></main>'

const priceOf = (number: number): number => 100 + (number % 9973) / 100

export const createFeed = async ({ perSecond, perFrame }: Pace): Promise<Feed> => {
  const site = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end(HTML),
  )
  const server = new WebSocketServer({ server: site })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')

  const message = (number: number): string => {
    const symbol = SYMBOLS[number % SYMBOLS.length] as string
    // As the companion server sends them, and counted.
    const data = {
      symbol,
      price: priceOf(number),
      change: 1.2,
      changePercent: 0.53,
      volume: 41_000 + number,
      number,
    }
    return JSON.stringify({
      type: 'market_data',
      data,
      timestamp: 1_790_000_000_000 + number,
      channel: symbol,
      id: `V1StGXR8Z5jdHi6B${String(number).padStart(6, '0')}`,
    })
  }

  let timer: ReturnType<typeof setInterval> | undefined
  const greet = (socket: WebSocket): void =>
    socket.send(JSON.stringify({ type: 'connection', data: {} }))
  server.on('connection', greet)
  const ready = once(server, 'connection').then(async ([socket]) => {
    await once(socket, 'message')
  })

  let sent = 0
  let total = 0
  const run = (seconds: number): Promise<void> =>
    new Promise(resolve => {
      const first = sent
      const began = performance.now()
      total += perSecond * seconds
      timer = setInterval(() => {
        const since = Math.floor(((performance.now() - began) / 1000) * perSecond)
        const due = Math.min(total, first + since)
        for (; sent + perFrame <= due; ) {
          const messages = Array.from({ length: perFrame }, () => message(sent++))
          const frame = perFrame === 1 ? (messages[0] as string) : `[${messages}]`
          for (const client of server.clients) client.send(frame)
        }
        if (sent < total) return
        clearInterval(timer)
        resolve()
      }, TICK_MS)
    })

  return {
    pageUrl: `http://127.0.0.1:${(site.address() as AddressInfo).port}/`,
    get total() {
      return total
    },
    get prices() {
      const first = total - SYMBOLS.length
      const numbers = SYMBOLS.map((_, index) => first + index)
      return Object.fromEntries(
        numbers.map(number => [SYMBOLS[number % SYMBOLS.length], `${priceOf(number)}`]),
      )
    },
    ready,
    run,
    async close() {
      clearInterval(timer)
      for (const client of server.clients) client.terminate()
      server.close()
      site.closeAllConnections()
      site.close()
      await once(site, 'close')
    },
  }
}
