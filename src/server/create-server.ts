/** `createServer`: the other side of the client. */
import { EventEmitter, once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import type { WireMessage } from '../protocol/wire.ts'
import type { Position, Publication } from './broker.ts'
import { nodeEnvironment } from './environment.ts'
import { addressOf, bearerOf, forLog, refusalOf, refuseUpgrade } from './gate.ts'
import { handleRequest } from './http.ts'
import { createHub } from './hub.ts'
import { MemoryBroker } from './memory-broker.ts'
import {
  type Identity,
  requireNumber,
  resolveServerOptions,
  type ServerClient,
  type ServerOptions,
} from './options.ts'

/** What a server tells. */
export interface ServerEvents {
  /** A client has connected. */
  connection: [client: ServerClient]
  /** A client is gone. */
  disconnection: [client: ServerClient]
  /** An application message, also where there is an `onMessage`. */
  message: [message: WireMessage, client: ServerClient]
  /** Something failed that the server survives. */
  error: [error: Error]
}

export interface DrainOptions {
  /** How long clients may stay at least, in ms. @default 1000 */
  afterMs?: number
  /** Over which further time they are asked to leave, each at its own moment, in ms. @default 5000 */
  jitterMs?: number
}

export interface ResilientServer {
  /** Begins to listen. Rejects if the port is taken. With `server` it waits until that one listens. */
  listen(): Promise<{ readonly port: number; readonly url: string }>
  /** Publishes on a channel. Rejects while the broker is away. */
  publish(channel: string, publication: Publication): Promise<Position>
  /** Listens to an event; returns what stops it. */
  on<Name extends keyof ServerEvents>(
    event: Name,
    listener: (...payload: ServerEvents[Name]) => void,
  ): () => void
  /** Connections that are open. */
  connections(): number
  /** Asks everybody to leave, then closes what is left with 1012. New ones are refused with 503. */
  drain(options?: DrainOptions): Promise<void>
  /** Ends everything, at once. Idempotent; afterwards nothing keeps the process alive. */
  close(): Promise<void>
}

/** Small fragments and chunks without end would fill the memory below any limit of bytes. */
const LIMITS = { maxFragments: 1024, maxBufferedChunks: 4096 }

/** How long a client may take to answer a close frame. */
const CLOSE_GRACE_MS = 500

/**
 * A server for `resilient-websocket` clients, and for anything that speaks JSON envelopes.
 *
 * ```ts
 * const server = createServer({ port: 3001, allowedOrigins: ['https://example.com'] })
 * await server.listen()
 * await server.publish('AAPL', { type: 'market_data', data: { price: 227.52 } })
 * ```
 *
 * Throws a `TypeError` or `RangeError` that names a bad option. Reads no environment variables.
 */
export const createServer = (options: ServerOptions = {}): ResilientServer => {
  const settings = resolveServerOptions(options)
  const { logger, path } = settings
  const broker = settings.broker ?? new MemoryBroker()
  const events = new EventEmitter()
  const addresses = new Map<string, number>()
  const environment = nodeEnvironment
  const http: Server =
    settings.server ??
    createHttpServer({
      headersTimeout: 10_000,
      requestTimeout: 15_000,
      maxHeaderSize: 16_384,
      // Node's 5 s is just the time between two polls: the next one would meet a connection that closes.
      keepAliveTimeout: 65_000,
    })
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: settings.maxPayload,
    perMessageDeflate: false,
    ...LIMITS,
  })
  let draining = false
  let detach: (() => Promise<void>) | undefined
  let ended: Promise<void> | undefined

  const failed = (error: unknown): void => {
    logger.error?.(forLog(error))
    if (events.listenerCount('error')) events.emit('error', error)
  }

  const tell = <Name extends keyof ServerEvents>(
    name: Name,
    ...payload: ServerEvents[Name]
  ): void => {
    for (const listener of events.listeners(name)) {
      try {
        listener(...payload)
      } catch (thrown) {
        failed(thrown)
      }
    }
  }

  const count = (address: string, by: 1 | -1): void => {
    const left = (addresses.get(address) ?? 0) + by
    if (left) addresses.set(address, left)
    else addresses.delete(address)
  }

  const hub = createHub({
    settings,
    broker,
    environment,
    message(message, client) {
      tell('message', message, client)
      return settings.onMessage?.(message, client)
    },
    closed({ client }) {
      count(client.address, -1)
      logger.info?.(`Client ${client.id} disconnected`)
      tell('disconnection', client)
    },
  })
  const { connections } = hub

  const authenticate = async (
    request: IncomingMessage,
    token: string,
  ): Promise<Identity | null> => {
    try {
      return (await settings.authenticate?.({ request, token })) ?? null
    } catch (thrown) {
      failed(thrown)
      return null
    }
  }

  const connect = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    identity: Identity | null,
  ): void => {
    const address = addressOf(request)
    sockets.handleUpgrade(request, socket, head, webSocket => {
      count(address, 1)
      const connection = hub.connect(
        {
          get bufferedAmount() {
            return webSocket.bufferedAmount
          },
          isOpen: () => webSocket.readyState === webSocket.OPEN,
          send: text => webSocket.send(text),
          ping: () => webSocket.ping(),
          close: (code, reason) => webSocket.close(code, reason),
          terminate: () => webSocket.terminate(),
        },
        { address, identity, authenticate: token => authenticate(request, token) },
      )
      webSocket.on('error', error =>
        logger.debug?.(`Connection ${connection.client.id}: ${forLog(error.message)}`),
      )
      webSocket.on('message', (data: Buffer, isBinary) =>
        connection.received(isBinary ? undefined : data.toString(), data.length),
      )
      webSocket.on('pong', connection.ponged)
      webSocket.on('close', connection.ended)
      logger.info?.(`Client ${connection.client.id} connected`)
      tell('connection', connection.client)
    })
  }

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const swallow = (): void => {}
    socket.on('error', swallow)
    if (request.url?.split('?', 1)[0] !== path) {
      // On a server of yours another listener may know the path.
      if (!settings.server)
        refuseUpgrade(socket, { status: 404, words: `WebSockets are at ${path}` })
      return
    }
    const refusal = (): ReturnType<typeof refusalOf> =>
      refusalOf(settings, request, {
        draining,
        total: connections.size,
        fromAddress: addresses.get(addressOf(request)) ?? 0,
      })
    const early = refusal()
    if (early) return refuseUpgrade(socket, early)
    const token = bearerOf(request)
    let identity: Identity | null = null
    if (settings.authenticate && token) {
      identity = await authenticate(request, token)
      if (!identity) return refuseUpgrade(socket, { status: 401, words: 'This token was refused' })
      // Others may have come meanwhile.
      const late = refusal()
      if (late) return refuseUpgrade(socket, late)
    }
    if (socket.destroyed) return
    socket.off('error', swallow)
    connect(request, socket, head, identity)
  }

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    upgrade(request, socket, head).catch(thrown => {
      failed(thrown)
      socket.destroy()
    })
  }

  const httpHost = {
    settings,
    broker,
    environment,
    posting: hub.posting,
    draining: () => draining,
    authenticate,
  }
  const others = http.listeners('request') as ((
    request: IncomingMessage,
    response: ServerResponse,
  ) => void)[]
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (handleRequest(httpHost, request, response)) return
    for (const other of others) other.call(http, request, response)
    if (!others.length) response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n')
  }

  http.removeAllListeners('request')
  http.on('request', onRequest)
  http.on('upgrade', onUpgrade)
  const onClientError = (_error: Error, socket: Duplex): void => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
    else socket.destroy()
  }
  if (!settings.server) http.on('clientError', onClientError)

  const urlOf = (): { port: number; url: string } => {
    const { port, address } = http.address() as AddressInfo
    const any = address === '0.0.0.0' || address === '::'
    const name = any ? 'localhost' : address.includes(':') ? `[${address}]` : address
    return { port, url: `ws://${name}:${port}${path}` }
  }

  /** Resolves when nobody is connected any more, or after so long. */
  const emptied = async (withinMs: number): Promise<void> => {
    if (!connections.size) return
    const cancel = new AbortController()
    const check = (): void => {
      if (!connections.size) cancel.abort()
    }
    events.on('disconnection', check)
    await wait(withinMs, undefined, cancel).catch(() => {})
    events.off('disconnection', check)
  }

  const end = async (): Promise<void> => {
    draining = true
    for (const connection of connections) connection.close(1001, 'The server is going away')
    await emptied(CLOSE_GRACE_MS)
    for (const connection of connections) connection.terminate()
    // Only now: what is being applied is done first, and its place in a broker outside is used up.
    await detach?.()
    http.off('request', onRequest)
    http.off('upgrade', onUpgrade)
    if (settings.server) {
      for (const other of others) http.on('request', other)
      return
    }
    sockets.close()
    if (!http.listening) return
    const closed = once(http, 'close')
    http.close()
    http.closeAllConnections()
    await closed
  }

  return {
    async listen() {
      detach ??= await broker.attach(hub.deliver, hub.taken)
      if (!http.listening) {
        const listening = once(http, 'listening')
        if (!settings.server) http.listen(settings.port, settings.host)
        await listening
        http.on('error', failed)
      }
      return urlOf()
    },
    publish: (channel, publication) => broker.publish(channel, publication),
    on(event, listener) {
      events.on(event, listener)
      return () => void events.off(event, listener)
    },
    connections: () => connections.size,
    async drain({ afterMs = 1000, jitterMs = 5000 } = {}) {
      requireNumber('afterMs', afterMs, 0)
      requireNumber('jitterMs', jitterMs, 0)
      draining = true
      const cancel = new AbortController()
      for (const connection of connections) {
        connection.send('reconnect', { afterMs, jitterMs, reason: 'The server restarts' })
        wait(afterMs + Math.random() * jitterMs, undefined, cancel).then(
          () => connection.close(1012, 'The server restarts'),
          () => {},
        )
      }
      await emptied(afterMs + jitterMs + CLOSE_GRACE_MS)
      cancel.abort()
    },
    close() {
      ended ??= end()
      return ended
    },
  }
}
