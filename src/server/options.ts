/** What a server can be set to, what it is set to if you do not, and what is said to a bad value. */
import type { IncomingMessage, Server } from 'node:http'
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Broker, Publication } from './broker.ts'
import { normalOrigin } from './origin.ts'
import { show } from './words.ts'

/** `console`, or anything with its four methods. */
export interface ServerLogger {
  /** What one client did that ends nothing. */
  debug(...words: unknown[]): void
  /** Who comes and goes, and what becomes of the server. */
  info(...words: unknown[]): void
  /** What was refused, and what would allow it. */
  warn(...words: unknown[]): void
  /** What failed in the application, the broker or the network. */
  error(...words: unknown[]): void
}

/** Who a client is. */
export interface Identity {
  /** Names the user; sessions belong to it. */
  readonly user: string
  /** When it ends, ms since the epoch; the connection is then closed with 4401. `null` or missing: never. */
  readonly expiresAt?: number | null
}

/** A client as the application sees it. */
export interface ServerClient {
  /** Names the connection. */
  readonly id: string
  /** Who it is; `null` without `authenticate`. */
  readonly user: string | null
  /** The address it came from. */
  readonly address: string
  /** Channels it listens to. */
  readonly channels: readonly string[]
  /** Sends to this client alone. */
  send(message: Publication): void
  /**
   * Closes its connection. Of the reason 123 bytes are sent. Throws a `RangeError` for a code that is none.
   * @default 1000, no reason
   */
  close(code?: number, reason?: string): void
}

export interface ServerOptions {
  /** Where to listen; 0 picks a free one. @default 3001 */
  port?: number
  /** @default '0.0.0.0' */
  host?: string
  /** Where WebSockets are taken. @default '/ws' */
  path?: string
  /** Where polls are answered. @default '/api/market/snapshot' */
  snapshotPath?: string
  /**
   * How long a client may take to send a request by HTTP, from its connection (or the request before) to the last byte of
   * the body, in ms; then its socket is destroyed. On a `server` of yours this holds for bodies that this server reads;
   * the rest is up to your own `headersTimeout` and `requestTimeout`. @default 15000
   */
  requestTimeoutMs?: number
  /**
   * How long an answer by HTTP may take, in ms, the time in which the client reads it included; then its socket is
   * destroyed. @default 60000
   */
  answerTimeoutMs?: number
  /**
   * Subprotocols of a WebSocket that this server speaks. Of those that a client offers the first that is listed is
   * selected, and no other is ever sent back: what a client offers may be a secret. Where none is listed none is
   * selected, and some clients (Chromium, `ws`) then fail the connection. @default ['rws.v1']
   */
  protocols?: readonly string[]
  /**
   * How many proxies of yours stand in front. Each appends the address of its client to `X-Forwarded-For`: the entry so
   * many places from its end is the client's address, or the first one if there are fewer; entries that are no addresses
   * are ignored. With 0 the header counts for nothing, and with too large a number a client may choose its address.
   * @default 0
   */
  trustProxy?: number
  /**
   * An http.Server of yours to join, instead of an own one: requests and upgrades that are not for this server are left
   * to your listeners, whenever you attach them. You make it listen, or `listen()` does if you give a `port`; you close it.
   */
  server?: Server
  /**
   * Exact origins of pages that may connect: scheme, host and port, also of apps and extensions
   * (`capacitor://localhost`); no paths, no wildcards. @default ['http://localhost:3000']
   */
  allowedOrigins?: readonly string[]
  /** Also takes clients that send no Origin: programs, not browsers. @default false */
  allowMissingOrigin?: boolean
  /** How a client that has died silently is noticed: a ping, by message and by frame. */
  heartbeat?: {
    /** From ping to ping, in ms. @default 30000 */
    intervalMs?: number
    /** A ping that is not answered for so long ends the connection, in ms. @default 10000 */
    timeoutMs?: number
  }
  /** Messages a client may send, by a token bucket that holds one second's worth; `false`: any number. */
  rateLimit?:
    | {
        /** @default 50 */
        limit?: number
        /** @default 1000 */
        perMs?: number
      }
    | false
  /** Bytes of a frame, at most; more is answered with 1009. @default 65536 */
  maxPayload?: number
  /**
   * Bytes that wait for a slow client. Beyond them, and if it reads nothing for 2 s, or not within 5 s what waited, it is closed
   * with 1013, or see `conflate`. A burst may be larger: a client that reads it is not slow. Only beyond 64 times as many it is
   * closed at once. @default 1048576
   */
  maxBufferedBytes?: number
  /**
   * Of this channel only the newest message counts, prices for instance: a client that does not read fast enough is
   * not closed for it. Messages are left out, and when it has caught up it gets the newest one, told as a gap.
   * Asked when a client begins to hear a channel. @default no channel
   */
  conflate?: (channel: string) => boolean
  /** Connections in all; beyond them 503. @default Infinity */
  maxConnections?: number
  /** Connections of one address; beyond them 429. @default Infinity */
  maxConnectionsPerAddress?: number
  /**
   * Says who a token belongs to; `null`: refused. What it throws refuses nobody (the user directory is down, perhaps): the
   * client is sent away with 1013, or 503 by HTTP, and comes back. Without it all are anonymous.
   */
  authenticate?: (given: {
    readonly request: IncomingMessage
    readonly token: string
  }) => Promise<Identity | null> | Identity | null
  /**
   * How long a client may take to authenticate, and `authenticate` to answer, in ms. A client that has not authenticated
   * until then is closed with 4408; a request with a token (an upgrade, a poll, a POST) that has no answer until then
   * gets 503. @default 5000
   */
  authTimeoutMs?: number
  /** May this user do that on this channel? For `send` it is the message's channel, or its type. @default all may */
  authorize?: (
    user: string | null,
    action: 'subscribe' | 'send',
    channel: string,
  ) => Promise<boolean> | boolean
  /**
   * Handles an application message, one at a time for each client. An object is sent back with
   * `replyTo`; what it throws is told to the client as an `error` without its words. See `handlerTimeoutMs` for one that
   * does not end.
   */
  onMessage?: (message: WireMessage, client: ServerClient) => unknown
  /**
   * How long `onMessage`, with the `authorize` of its message, may take, in ms. Then the message is refused with `TIMEOUT` (to a
   * client of protocol v1 it is `unknown`), its place is used up, and the session goes on. The handler itself is not ended: what it
   * returns later is dropped, what it sends later by the `client` of a POST, too; the message sent again is acknowledged and
   * not applied. `authorize` of a subscription has the same time for all its channels; then the client is closed with 1013, or
   * answered 503 by HTTP. `Infinity`: any time. @default 30000
   */
  handlerTimeoutMs?: number
  /** Where channels and sessions live; a `RedisBroker` is shared with other servers. @default new MemoryBroker() */
  broker?: Broker
  /** How long a session outlives its last sign of life, in ms. @default 120000 */
  sessionTtlMs?: number
  /** Where the log lines go. @default none */
  logger?: ServerLogger
}

/** Throws unless it is a number of at least `least`. */
export const requireNumber = (
  name: string,
  value: unknown,
  least: number,
  most: number = Number.POSITIVE_INFINITY,
): void => {
  const expected = `a number from ${least} to ${most}`
  if (typeof value !== 'number')
    throw new TypeError(`${name}: expected ${expected}, got ${show(value)}`)
  if (!(value >= least && value <= most))
    throw new RangeError(`${name}: expected ${expected}, got ${value}`)
}

const requireFunction = (name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${name}: expected a function, got ${show(value)}`)
  }
}

const requirePath = (name: string, value: unknown): void => {
  if (typeof value !== 'string' || !/^\/[^\s?#]*$/.test(value)) {
    throw new TypeError(`${name}: expected a path such as '/ws', got ${show(value)}`)
  }
}

/** Node's own timers take no longer delay. */
const LONGEST_TIMEOUT_MS = 2_147_483_647

/** The characters of a token of HTTP, of which a subprotocol's name consists. */
const PROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/

/** Options as the server reads them: complete and checked. */
export type ServerSettings = ReturnType<typeof resolveServerOptions>

const KNOWN =
  'port host path snapshotPath requestTimeoutMs answerTimeoutMs protocols trustProxy server allowedOrigins allowMissingOrigin heartbeat rateLimit maxPayload maxBufferedBytes conflate maxConnections maxConnectionsPerAddress authenticate authTimeoutMs authorize onMessage handlerTimeoutMs broker sessionTtlMs logger'.split(
    ' ',
  )

export const resolveServerOptions = (
  options: ServerOptions,
): Required<
  Omit<
    ServerOptions,
    'server' | 'heartbeat' | 'rateLimit' | 'authenticate' | 'onMessage' | 'broker' | 'logger'
  >
> & {
  server: Server | undefined
  heartbeat: { intervalMs: number; timeoutMs: number }
  rateLimit: { limit: number; perMs: number } | false
  authenticate: ServerOptions['authenticate']
  onMessage: ServerOptions['onMessage']
  broker: Broker | undefined
  logger: Partial<ServerLogger>
} => {
  if (typeof options !== 'object' || !options) {
    throw new TypeError(`options: expected an object, got ${show(options)}`)
  }
  const unknown = Object.keys(options).find(name => !KNOWN.includes(name))
  if (unknown) throw new TypeError(`${unknown}: expected one of ${KNOWN.join(', ')}`)
  const {
    port = 3001,
    host = '0.0.0.0',
    path = '/ws',
    snapshotPath = '/api/market/snapshot',
    requestTimeoutMs = 15_000,
    answerTimeoutMs = 60_000,
    protocols = ['rws.v1'],
    trustProxy = 0,
    server,
    allowedOrigins = ['http://localhost:3000'],
    allowMissingOrigin = false,
    heartbeat = {},
    rateLimit = {},
    maxPayload = 65_536,
    maxBufferedBytes = 1_048_576,
    conflate = () => false,
    maxConnections = Number.POSITIVE_INFINITY,
    maxConnectionsPerAddress = Number.POSITIVE_INFINITY,
    authenticate,
    authTimeoutMs = 5000,
    authorize = () => true,
    onMessage,
    handlerTimeoutMs = 30_000,
    broker,
    sessionTtlMs = 120_000,
    logger = {},
  } = options
  const { intervalMs = 30_000, timeoutMs = 10_000 } = heartbeat
  const { limit = 50, perMs = 1000 } = rateLimit || {}
  requireNumber('port', port, 0, 65_535)
  requirePath('path', path)
  requirePath('snapshotPath', snapshotPath)
  requireNumber('requestTimeoutMs', requestTimeoutMs, 1, LONGEST_TIMEOUT_MS)
  requireNumber('answerTimeoutMs', answerTimeoutMs, 1, LONGEST_TIMEOUT_MS)
  requireNumber('trustProxy', trustProxy, 0)
  if (!Number.isInteger(trustProxy)) {
    throw new RangeError(`trustProxy: expected a whole number of proxies, got ${trustProxy}`)
  }
  requireNumber('heartbeat.intervalMs', intervalMs, 1)
  requireNumber('heartbeat.timeoutMs', timeoutMs, 1)
  requireNumber('rateLimit.limit', limit, 1)
  requireNumber('rateLimit.perMs', perMs, 1)
  requireNumber('maxPayload', maxPayload, 1)
  requireNumber('maxBufferedBytes', maxBufferedBytes, 1)
  requireNumber('maxConnections', maxConnections, 1)
  requireNumber('maxConnectionsPerAddress', maxConnectionsPerAddress, 1)
  requireNumber('authTimeoutMs', authTimeoutMs, 1)
  requireNumber('handlerTimeoutMs', handlerTimeoutMs, 1)
  requireNumber('sessionTtlMs', sessionTtlMs, 1)
  requireFunction('authenticate', authenticate)
  requireFunction('authorize', authorize)
  requireFunction('conflate', conflate)
  requireFunction('onMessage', onMessage)
  if (typeof host !== 'string') throw new TypeError(`host: expected a string, got ${show(host)}`)
  if (!Array.isArray(allowedOrigins)) {
    throw new TypeError(`allowedOrigins: expected an array, got ${show(allowedOrigins)}`)
  }
  const isProtocol = (name: unknown): boolean => typeof name === 'string' && PROTOCOL.test(name)
  if (!Array.isArray(protocols) || !protocols.every(isProtocol)) {
    const got = Array.isArray(protocols) ? protocols.map(show).join(', ') : show(protocols)
    throw new TypeError(`protocols: expected an array of names such as 'rws.v1', got ${got}`)
  }
  return {
    port,
    host,
    path,
    snapshotPath,
    requestTimeoutMs,
    answerTimeoutMs,
    protocols: [...protocols],
    trustProxy,
    server,
    allowedOrigins: allowedOrigins.map(origin => normalOrigin(origin)),
    allowMissingOrigin,
    heartbeat: { intervalMs, timeoutMs },
    rateLimit: rateLimit && { limit, perMs },
    maxPayload,
    maxBufferedBytes,
    conflate,
    maxConnections,
    maxConnectionsPerAddress,
    authenticate,
    authTimeoutMs,
    authorize,
    onMessage,
    handlerTimeoutMs,
    broker,
    sessionTtlMs,
    logger,
  }
}
