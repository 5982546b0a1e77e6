/** The options of a server: their meaning, defaults and validation. */
import type { IncomingMessage, Server } from 'node:http'
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Broker, Publication } from './broker/broker.ts'
import type { ServerLogger } from './logging.ts'
import { normalOrigin } from './origin.ts'
import {
  applyRules,
  numberOption,
  option,
  type Rule,
  requireFunction,
  requireKnown,
  requireString,
  sectionOption,
  show,
} from './validate.ts'

/** The user that a token belongs to, as `authenticate` answers it. */
export interface Identity {
  /** Names the user, in at least one character; sessions belong to it. A later token may not change it (4401). */
  readonly user: string
  /**
   * When it ends, ms since the epoch; the connection is then closed with 4401, and a request by HTTP gets 401.
   * @default null: never
   */
  readonly expiresAt?: number | null
}

/** A client as the application sees it. */
export interface ServerClient {
  /** Names the connection; for a message sent by POST the `sid` of its session. */
  readonly id: string
  /** The user of its identity; `null` without `authenticate`, or before the client has authenticated. */
  readonly user: string | null
  /** The IP address it came from; see `trustProxy`. */
  readonly address: string
  /** Channels it is subscribed to; always empty for a message sent by POST. */
  readonly channels: readonly string[]
  /**
   * Sends to this client alone. Without effect once its connection closes; for a message sent by POST it travels with the
   * answer, and without effect after that. Throws a `TypeError` for data that JSON cannot hold.
   */
  send(message: Publication): void
  /**
   * Closes its connection; of the reason 123 bytes are sent. Without effect for a message sent by POST. Throws a
   * `RangeError` for a code that must not be in a close frame.
   * @default 1000, no reason
   */
  close(code?: number, reason?: string): void
}

/** Options of `createServer`. A bad value throws a `TypeError` or `RangeError` that names the option. */
export interface ServerOptions {
  /** TCP port to listen on, 0 to 65535; 0 picks a free one. @default 3001 */
  port?: number
  /** Address to listen on. @default '0.0.0.0' */
  host?: string
  /** Path where WebSockets are accepted. @default '/ws' */
  path?: string
  /** Path where polls (GET) and messages (POST) are answered. @default '/api/market/snapshot' */
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
   * An http.Server of yours to share, instead of an own one: requests and upgrades that are not for this server are left
   * to your listeners, whenever you attach them. You make it listen, or `listen()` does if you give a `port`; you close it.
   * @default one of its own
   */
  server?: Server
  /**
   * Exact origins of pages that may connect: scheme, host and port, also of apps and extensions
   * (`capacitor://localhost`); no paths, no wildcards. Others get 403. @default ['http://localhost:3000']
   */
  allowedOrigins?: readonly string[]
  /** Also accepts clients that send no Origin: programs, not browsers. @default false */
  allowMissingOrigin?: boolean
  /** How a client that has died silently is noticed: a ping, by message and by frame. */
  heartbeat?: {
    /** From ping to ping, in ms, at least 1. @default 30000 */
    intervalMs?: number
    /** A client that answers no ping for so long is disconnected, in ms, at least 1. @default 10000 */
    timeoutMs?: number
  }
  /**
   * Messages a client may send, by a token bucket that holds one second's worth; `false`: any number. More are refused with
   * `RATE_LIMITED`; 500 refusals within 10 s close the connection with 1013.
   */
  rateLimit?:
    | {
        /** Messages in each `perMs`, at least 1. @default 50 */
        limit?: number
        /** The time in which `limit` messages may come, in ms, at least 1. @default 1000 */
        perMs?: number
      }
    | false
  /** Bytes of a frame or of a POST, at most; more is answered with 1009, or 413. @default 65536 */
  maxPayload?: number
  /**
   * Bytes that wait for a slow client. Beyond them, and if it reads nothing for 2 s, or not within 5 s what waited, it is closed
   * with 1013, or see `conflate`. A burst may be larger: a client that reads it is not slow. Only beyond 64 times as many it is
   * closed at once. @default 1048576
   */
  maxBufferedBytes?: number
  /**
   * Of this channel only the newest message counts, prices for instance: a client that does not read fast enough is
   * not closed for it. Messages are left out, and when it has caught up it gets the newest one, announced as a gap.
   * Called when a client subscribes to a channel. @default no channel
   */
  conflate?: (channel: string) => boolean
  /** Connections in all; beyond them 503. @default Infinity */
  maxConnections?: number
  /** Connections of one address; beyond them 429. @default Infinity */
  maxConnectionsPerAddress?: number
  /**
   * Says which user a token belongs to; `null`: the token is refused. An error that it throws refuses nobody (the user
   * directory is down, perhaps): the client is sent away with 1013, or 503 by HTTP, and comes back.
   * @default none: all clients are anonymous
   */
  authenticate?: (given: {
    /** The request of the upgrade, poll or POST; for a token sent later, the upgrade's. */
    readonly request: IncomingMessage
    /** The token of the `Authorization: Bearer` header, or of the message. */
    readonly token: string
  }) => Promise<Identity | null> | Identity | null
  /**
   * How long a client may take to authenticate, and `authenticate` to answer, in ms. A client that has not authenticated
   * until then is closed with 4408; a request with a token (an upgrade, a poll, a POST) that has no answer until then
   * gets 503. @default 5000
   */
  authTimeoutMs?: number
  /**
   * May this user do that on this channel? For `send` it is the message's channel, or its type. `false` is answered with
   * `FORBIDDEN`. @default all may
   */
  authorize?: (
    user: string | null,
    action: 'subscribe' | 'send',
    channel: string,
  ) => Promise<boolean> | boolean
  /**
   * Handles an application message, one at a time for each client. An object that it returns is sent back with
   * `replyTo`; an error that it throws is sent to the client as `INTERNAL`, without its text. See `handlerTimeoutMs` for
   * one that does not end. @default none: messages are only events
   */
  onMessage?: (message: WireMessage, client: ServerClient) => unknown
  /**
   * How long `onMessage`, with the `authorize` of its message, may take, in ms. Then the message is refused with `TIMEOUT` (to a
   * client of protocol v1 it is `unknown`), its `seq` is used up, and the session goes on. The handler itself is not ended: its
   * later return value is dropped, and later messages by the `client` of a POST, too; the message sent again is acknowledged and
   * not applied. `authorize` of a subscription has the same time for all its channels; then the client is closed with 1013, or
   * answered 503 by HTTP. `Infinity`: any time. @default 30000
   */
  handlerTimeoutMs?: number
  /** Where channels and sessions live; a `RedisBroker` is shared with other servers. @default new MemoryBroker() */
  broker?: Broker
  /** How long a session outlives its last sign of life, in ms, at least 1. @default 120000 */
  sessionTtlMs?: number
  /** Where the log lines go: `console`, or anything like it. @default none */
  logger?: ServerLogger
}

/** The longest delay that Node's own timers take. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** The characters of an HTTP token, which is what the name of a subprotocol is. */
const PROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/

const requirePath = (name: string, value: unknown): void => {
  if (typeof value !== 'string' || !/^\/[^\s?#]*$/.test(value)) {
    throw new TypeError(`${name}: expected a path such as '/ws', got ${show(value)}`)
  }
}

const proxyCount: Rule<number> = (name, given) => {
  const count = numberOption(0)(name, given)
  if (Number.isInteger(count)) return count
  throw new RangeError(`${name}: expected a whole number of proxies, got ${count}`)
}

const protocolNames: Rule<readonly string[]> = (name, given = ['rws.v1']) => {
  const isName = (each: unknown): boolean => typeof each === 'string' && PROTOCOL.test(each)
  if (Array.isArray(given) && given.every(isName)) return [...given]
  const got = Array.isArray(given) ? given.map(show).join(', ') : show(given)
  throw new TypeError(`${name}: expected an array of names such as 'rws.v1', got ${got}`)
}

const origins: Rule<readonly string[]> = (name, given = ['http://localhost:3000']) => {
  if (!Array.isArray(given)) {
    throw new TypeError(`${name}: expected an array, got ${show(given)}`)
  }
  return given.map(origin => normalOrigin(origin, name))
}

const bucket = sectionOption({
  limit: numberOption(50, { min: 1 }),
  perMs: numberOption(1000, { min: 1 }),
})

const timeout = (fallback: number): Rule<number> =>
  numberOption(fallback, { min: 1, max: MAX_TIMEOUT_MS })

const positive = (fallback: number): Rule<number> => numberOption(fallback, { min: 1 })

const unlimited = positive(Number.POSITIVE_INFINITY)

/** Options without a default. */
type Absent = 'server' | 'authenticate' | 'onMessage' | 'broker'

/** Options as the server reads them: complete and checked. */
export type ServerSettings = Readonly<
  Required<Omit<ServerOptions, Absent | 'heartbeat' | 'rateLimit' | 'logger'>>
> & { readonly [Name in Absent]: ServerOptions[Name] } & {
  readonly heartbeat: { readonly intervalMs: number; readonly timeoutMs: number }
  readonly rateLimit: { readonly limit: number; readonly perMs: number } | false
  readonly logger: Partial<ServerLogger>
}

/** Every option once: its name, its default, and the rule that it must keep. */
const OPTIONS: { readonly [Name in keyof ServerSettings]: Rule<ServerSettings[Name]> } = {
  port: numberOption(3001, { max: 65_535 }),
  host: option('0.0.0.0', requireString),
  path: option('/ws', requirePath),
  snapshotPath: option('/api/market/snapshot', requirePath),
  requestTimeoutMs: timeout(15_000),
  answerTimeoutMs: timeout(60_000),
  protocols: protocolNames,
  trustProxy: proxyCount,
  server: option(undefined),
  allowedOrigins: origins,
  allowMissingOrigin: option(false),
  heartbeat: sectionOption({ intervalMs: positive(30_000), timeoutMs: positive(10_000) }),
  rateLimit: (name, given = {}) => (given ? bucket(name, given) : false),
  maxPayload: positive(65_536),
  maxBufferedBytes: positive(1_048_576),
  conflate: option(() => false, requireFunction),
  maxConnections: unlimited,
  maxConnectionsPerAddress: unlimited,
  authenticate: option(undefined, requireFunction),
  authTimeoutMs: positive(5000),
  authorize: option(() => true, requireFunction),
  onMessage: option(undefined, requireFunction),
  handlerTimeoutMs: positive(30_000),
  broker: option(undefined),
  sessionTtlMs: positive(120_000),
  logger: option({}),
}

/** Throws a `TypeError` or `RangeError` that names the bad option. */
export const resolveServerOptions = (options: ServerOptions): ServerSettings => {
  if (typeof options !== 'object' || !options) {
    throw new TypeError(`options: expected an object, got ${show(options)}`)
  }
  requireKnown(options, Object.keys(OPTIONS))
  return applyRules(OPTIONS, options)
}
