/** `createServer`: the other side of the client. */
import { EventEmitter, once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import type { WireMessage } from '../protocol/wire-types.ts'
import { addressOf } from './address.ts'
import type { Position, Publication } from './broker.ts'
import { createDeadlines } from './deadlines.ts'
import { createServerTimers, nodeEnvironment } from './environment.ts'
import { bearerOf, forLog, LEAVING, type Refusal, refusalOf, refuseUpgrade } from './gate.ts'
import { handleRequest, isAnswered } from './http.ts'
import { createHub } from './hub.ts'
import { identityOf } from './identity.ts'
import { joinServer } from './joining.ts'
import { MemoryBroker } from './memory-broker.ts'
import { metricsOf, renderMetrics } from './metrics.ts'
import {
  type Identity,
  requireNumber,
  resolveServerOptions,
  type ServerClient,
  type ServerOptions,
} from './options.ts'
import { requirePublication } from './publication.ts'
import { warnOfWorkers } from './workers.ts'

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
  /**
   * Over which further time they leave, in ms: those with a session at a moment that they draw, and those left at its end
   * are closed; others know no such request, and are closed one after the other. @default 5000
   */
  jitterMs?: number
}

export interface ResilientServer {
  /**
   * Begins to listen. Rejects if the port is taken. A `server` of yours that does not listen yet is made to if you
   * gave a `port`; otherwise this waits until it does. Rejects once the server is closed, also meanwhile.
   */
  listen(): Promise<{ readonly port: number; readonly url: string }>
  /**
   * Publishes on a channel, as the data is now. Rejects while the broker is away; with a `TypeError` if the channel is not
   * 1 to 128 printable characters without blanks, the type not 1 to 64 characters, or the data no JSON.
   */
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

/** Calls a listener, which may also be async. */
const hear = (
  // biome-ignore lint/complexity/noBannedTypes: as an EventEmitter gives them
  listener: Function,
  payload: readonly unknown[],
  failed: (thrown: unknown) => void,
): void => {
  try {
    const result = listener(...payload)
    if (result instanceof Promise) result.catch(failed)
  } catch (thrown) {
    failed(thrown)
  }
}

/**
 * A server for `resilient-websocket` clients, and for anything that speaks JSON envelopes.
 *
 * ```ts
 * const server = createServer({ port: 3001, allowedOrigins: ['https://example.com'] })
 * await server.listen()
 * await server.publish('AAPL', { type: 'market_data', data: { price: 227.52 } })
 * ```
 *
 * Throws a `TypeError` or `RangeError` that names a bad option. Reads no options from environment variables.
 */
export const createServer = (options: ServerOptions = {}): ResilientServer => {
  const settings = resolveServerOptions(options)
  const { logger, path } = settings
  const requestTimeoutMs = Math.ceil(settings.requestTimeoutMs)
  const broker = settings.broker ?? new MemoryBroker()
  const events = new EventEmitter()
  const addresses = new Map<string, number>()
  /** Sockets that are a connection, or may become one. */
  let taken = 0
  const environment = nodeEnvironment
  const deadlines = createDeadlines(environment)
  const http: Server =
    settings.server ??
    createHttpServer({
      headersTimeout: Math.min(requestTimeoutMs, 10_000),
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(Math.ceil(requestTimeoutMs / 3), 5000),
      maxHeaderSize: 16_384,
      // Node's 5 s is just the time between two polls: the next one would meet a connection that closes.
      keepAliveTimeout: 65_000,
    })
  // A client that reads nothing, also of the answers that are not ours to hold to their time.
  if (!settings.server) http.setTimeout(Math.ceil(settings.answerTimeoutMs))
  /** The subprotocol for a client. Only a declared one is sent back, and none is logged: it may be a secret. */
  const select = (offered: readonly string[]): string | false => {
    const selected = offered.find(name => settings.protocols.includes(name))
    if (selected !== undefined) return selected
    logger.warn?.(
      `A client offers subprotocols (${offered.length}), and protocols (${settings.protocols.join(', ')}) has none of them: Chromium, for one, fails such a connection. Declare the one to select in protocols`,
    )
    return false
  }

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: settings.maxPayload,
    perMessageDeflate: false,
    handleProtocols: offered => select([...offered]),
    ...LIMITS,
  })
  let draining = false
  let attaching: Promise<() => Promise<void>> | undefined
  /** That our own `http` takes its port, or cannot. */
  let binding: Promise<unknown> | undefined
  let ended: Promise<void> | undefined

  /** Tells the application; nobody listening is no reason to end the process, nor is one who throws. */
  const raise = (error: unknown): void => {
    for (const listener of events.listeners('error')) hear(listener, [error], logFailure)
  }

  const logFailure = (error: unknown): void => logger.error?.(forLog(error))

  const failed = (error: unknown): void => {
    logFailure(error)
    raise(error)
  }

  const tell = <Name extends keyof ServerEvents>(
    name: Name,
    ...payload: ServerEvents[Name]
  ): void => {
    for (const listener of events.listeners(name)) hear(listener, payload, failed)
  }

  /** Counts a socket for the limits, until it is closed. */
  const count = (socket: Duplex, address: string): void => {
    const add = (by: 1 | -1): void => {
      taken += by
      const left = (addresses.get(address) ?? 0) + by
      if (left) addresses.set(address, left)
      else addresses.delete(address)
    }
    add(1)
    socket.once('close', () => add(-1))
  }

  const hub = createHub({
    settings,
    broker,
    environment,
    async message(message, client) {
      tell('message', message, client)
      try {
        return await settings.onMessage?.(message, client)
      } catch (thrown) {
        raise(thrown)
        throw thrown
      }
    },
    failed: raise,
    closed({ client }) {
      logger.info?.(`Client ${client.id} disconnected`)
      tell('disconnection', client)
    },
  })
  const { connections, counters } = hub

  const authenticate = async (
    request: IncomingMessage,
    token: string,
  ): Promise<Identity | null> => {
    const answer = Promise.resolve(settings.authenticate?.({ request, token }))
    const given = await deadlines.settle(answer, settings.authTimeoutMs, 'authenticate')
    return identityOf(given, environment.now())
  }

  /** Answers an upgrade that is refused; its socket is gone soon, whether the client reads the answer or not. */
  const refuse = (socket: Duplex, refusal: Refusal): void => {
    deadlines.destroy(socket, CLOSE_GRACE_MS)
    refuseUpgrade(socket, refusal)
  }

  const connect = (
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    identity: Identity | null,
    opened: () => void,
  ): void => {
    const address = addressOf(settings, request)
    sockets.handleUpgrade(request, socket, head, webSocket => {
      opened()
      const written = (): void => connection.written()
      const connection = hub.connect(
        {
          get bufferedAmount() {
            return webSocket.bufferedAmount
          },
          isOpen: () => webSocket.readyState === webSocket.OPEN,
          send: text => webSocket.send(text, written),
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
      webSocket.on('ping', connection.pinged)
      webSocket.on('pong', connection.ponged)
      webSocket.on('close', connection.ended)
      logger.info?.(`Client ${connection.client.id} connected`)
      tell('connection', connection.client)
    })
  }

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const swallow = (): void => {}
    socket.on('error', swallow)
    const address = addressOf(settings, request)
    const refusal = refusalOf(settings, request, {
      draining,
      total: taken,
      fromAddress: addresses.get(address) ?? 0,
    })
    if (refusal) return refuse(socket, refusal)
    // From here on it counts for the limits, so that nobody gets past them by waiting for `authenticate`.
    count(socket, address)
    const callOff = deadlines.destroy(socket, settings.authTimeoutMs + CLOSE_GRACE_MS)
    const token = bearerOf(request)
    let identity: Identity | null = null
    if (settings.authenticate && token) {
      identity = await authenticate(request, token)
      if (draining) return refuse(socket, LEAVING)
      if (!identity) return refuse(socket, { status: 401, words: 'This token was refused' })
    }
    if (socket.destroyed) return
    connect(request, socket, head, identity, () => {
      callOff()
      socket.off('error', swallow)
    })
  }

  /** The address that the server listens on; '' for a pipe, or before it listens. */
  const boundTo = (): string => (http.address() as AddressInfo | null)?.address ?? ''

  const httpHost = {
    settings,
    broker,
    environment,
    posting: hub.posting,
    timeLimits: hub.timeLimits,
    mayPoll: hub.mayPoll,
    counters,
    deadlines,
    draining: () => draining,
    boundTo,
    metrics: () =>
      renderMetrics(
        metricsOf(counters, {
          connections: connections.size,
          ...hub.sizes(),
          draining,
          startedAtSeconds: environment.now() / 1000 - process.uptime(),
        }),
      ),
    authenticate,
    failed: raise,
  }
  const part = joinServer(http, {
    path,
    answers: request => isAnswered(settings, request),
    request: (request, response) => handleRequest(httpHost, request, response),
    upgrade(request, socket, head) {
      upgrade(request, socket, head).catch(thrown => {
        failed(thrown)
        refuse(socket, { status: 503, words: 'Try again', retryAfterSeconds: 5 })
      })
    },
    refuse,
  })

  const requireOpen = (): void => {
    if (ended) throw new Error('listen: this server is closed: create another one')
  }

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
    await emptied(CLOSE_GRACE_MS)
    // Only now: what is being applied is done first, and its place in a broker outside is used up.
    const detach = await attaching?.catch(() => {})
    await detach?.()
    hub.timeLimits.end()
    part()
    deadlines.end()
    http.off('error', failed)
    if (settings.server) return
    sockets.close()
    await binding?.catch(() => {})
    if (!http.listening) return
    const closed = once(http, 'close')
    http.close()
    http.closeAllConnections()
    await closed
  }

  return {
    async listen() {
      requireOpen()
      if (!attaching) warnOfWorkers(broker, logger)
      attaching ??= broker.attach(hub.deliver, hub.taken)
      try {
        await attaching
      } catch (thrown) {
        attaching = undefined
        throw thrown
      }
      requireOpen()
      if (!http.listening) {
        const listening = once(http, 'listening')
        if (!settings.server) binding = listening
        if (!settings.server || options.port !== undefined) {
          http.listen(settings.port, settings.host)
        }
        await listening
        requireOpen()
        http.on('error', failed)
      }
      return urlOf()
    },
    async publish(channel, publication) {
      requirePublication(channel, publication)
      const position = await broker.publish(channel, publication)
      counters.published++
      return position
    },
    on(event, listener) {
      events.on(event, listener)
      return () => void events.off(event, listener)
    },
    connections: () => connections.size,
    async drain({ afterMs = 1000, jitterMs = 5000 } = {}) {
      requireNumber('afterMs', afterMs, 0)
      requireNumber('jitterMs', jitterMs, 0)
      draining = true
      const timers = createServerTimers(environment)
      for (const connection of connections) {
        connection.send('reconnect', { afterMs, jitterMs, reason: 'The server restarts' })
        // Who has a session draws a moment of its own to leave; for the others it is drawn here.
        const share = connection.hasSession() ? 1 : environment.random()
        timers.set(connection.client.id, afterMs + share * jitterMs, () =>
          connection.close(1012, 'The server restarts'),
        )
      }
      await emptied(afterMs + jitterMs + CLOSE_GRACE_MS)
      timers.clearAll()
    },
    close() {
      ended ??= end()
      return ended
    },
  }
}
