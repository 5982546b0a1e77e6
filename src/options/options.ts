/** What can be set. Defaults and rules are in `defaults.ts`. */
import type { Protocol } from '../protocol/protocol.ts'
import type { Logger } from '../shared/log.ts'
import type { ValueOrProvider } from '../shared/resolve-value.ts'
import type { Environment } from '../shared/runtime.ts'
import type { CloseDetails } from '../transport/transport.ts'
import type { Part } from './part.ts'
import type { Schema } from './schema.ts'

/** How long the client waits before each redial, and when it stops. */
export interface ReconnectOptions {
  /** Wait before the first redial, in ms. @default 2000 */
  initialDelayMs?: number
  /** Each wait is the one before times this, at least 1. @default 2 */
  factor?: number
  /** No wait is longer, jitter included, in ms. @default 30000 */
  maxDelayMs?: number
  /**
   * Random time added, as a share of the delay: the wait is drawn anew each time from
   * `[d, d * (1 + jitter)]`, both ends scaled so that it never passes `maxDelayMs`. Or a function
   * of the delay and the source of chance; what it returns is capped at `maxDelayMs`. @default 1
   */
  jitter?: number | ((delayMs: number, random: () => number) => number)
  /** Redials before FALLBACK. Without a fallback they go on at the longest delay. @default 5 */
  maxAttempts?: number
  /**
   * Attempts are forgotten only after this long OPEN, in ms, so that a server that accepts and
   * drops is not hammered. @default 5000
   */
  stableAfterMs?: number
  /** Without a fallback: ERROR this long after the first failure, in ms. @default Infinity */
  giveUpAfterMs?: number
  /**
   * Overrides what a close code means: `false` is final (ERROR), `true` a retry, a number a retry
   * after so many ms. Where it returns `undefined` or throws, the code decides; so it does where it returns a
   * promise, which is one `error` event (`BAD_OPTION`).
   */
  when?: (close: CloseDetails) => boolean | number | undefined
}

/** How the client notices a link that has died without a `close`. */
export interface HeartbeatOptions {
  /** Silence after which the client sends a ping, in ms. A server that announces its own wins. @default 30000 */
  intervalMs?: number
  /** Further silence after which the link is given up and dialed again, in ms. @default 10000 */
  timeoutMs?: number
  /** The ping of `raw()`, which has none of its own. Without it `raw()` sends none, and silence means nothing. @default undefined */
  message?: string
}

/** How the client polls over HTTP while no WebSocket gets through. */
export interface FallbackOptions {
  /**
   * Where to poll. A relative one is the page's own in a browser and the WebSocket's host
   * elsewhere. @default '/api/market/snapshot'
   */
  url?: string
  /** From an answer to the next poll, in ms. @default 5000 */
  intervalMs?: number
  /** A poll or POST that takes longer is given up, in ms. @default 10000 */
  timeoutMs?: number
  /** How often the WebSocket is tried meanwhile, in ms, with jitter. @default 30000 */
  probeIntervalMs?: number
  /** Falls back this long after the connection was lost, in ms, even if redials are left. @default undefined */
  afterMs?: number | undefined
  /**
   * Turns a body into messages; may be async, and then counts for `timeoutMs`. `body` is the parsed JSON, or the text
   * where the answer neither is JSON nor says that it is; an empty one is no news and not asked about. Without it a
   * foreign body is one `{ type: 'snapshot', data: body }`, and an HTML page means that there is no fallback here.
   * An exception, a rejection and a result that is no array are an `error` event that names `fallback.parse`; nothing
   * (`undefined`, `null`) leaves the body to the client. @default undefined
   */
  parse?:
    | ((body: unknown, response: Response) => readonly unknown[] | Promise<readonly unknown[]>)
    | undefined
}

/** Messages that wait to be sent: how many, how long, and how fast they leave. */
export interface QueueOptions {
  /** Messages that wait, at most; past it the oldest one that was never sent is dropped (`overflow`). @default 1000 */
  limit?: number
  /** Their encoded bytes, at most; past it as past `limit`. @default 8388608 */
  maxBytes?: number
  /** Which message is dropped when the queue is full: the oldest one that was never sent. @default 'drop-oldest' */
  overflow?: 'drop-oldest'
  /** Where the server acknowledges: on how many more connections an unacknowledged message is sent; then it is `unknown`. @default 3 */
  retries?: number
  /** A message that waits longer, in ms, is rejected as `expired`; `send()` may say otherwise. @default Infinity */
  ttlMs?: number
  /** Messages a second at most; a lower rate that the server advertises wins. @default 40 */
  ratePerSecond?: number
  /** Where the server acknowledges: unacknowledged messages, at most. @default 256 */
  maxInFlight?: number
}

/** Which messages come together in one `batch`. */
export interface BatchOptions<Incoming> {
  /** The first message after a quiet window comes at once; what follows in this many ms comes together. @default 150 */
  windowMs?: number
  /** A batch that reaches this size is not held back. @default 5000 */
  maxSize?: number
  /** Keeps only the newest message of each key in a window; `undefined` never conflates. @default undefined */
  conflate?: ((message: Incoming) => unknown) | undefined
}

/** How a message that came before is recognised. */
export interface DedupeOptions<Incoming> {
  /** Keys remembered, at most; the oldest are forgotten first. @default 10000 */
  size?: number
  /** How long a key is remembered, in ms. @default 300000 */
  ttlMs?: number
  /**
   * The key of a message: a string that is not empty, or a whole number within 2^53; anything else is never a
   * duplicate, nor is a message for which it throws (an `error` event). The default counts per channel, a key of your
   * own whatever the channel. @default message => message.id
   */
  key?: (message: Incoming) => unknown
}

/** How long `stateHistory` is. */
export interface HistoryOptions {
  /** State changes kept, the newest ones. @default 100 */
  limit?: number
}

/** Options of `createResilientWebSocket()`. Each is read once, at creation; a bad one throws an error that names it. */
export interface ResilientWebSocketOptions<Incoming = unknown, Outgoing = unknown> {
  /**
   * A URL with `ws:`, `wss:`, `http:` or `https:` (another one is a `RangeError`); in browsers also a relative one. Or a
   * function asked on every dial; if it rejects, or gives no such URL, the attempt failed. @default 'ws://localhost:3001/ws'
   */
  url?: ValueOrProvider<string | URL>
  /** Subprotocols to offer. A function that gives `undefined`, `null`, `''` or `[]` offers none. @default none */
  protocols?: ValueOrProvider<string | readonly string[]>
  /** Connect on creation. @default true */
  enabled?: boolean
  /** How long to wait before each redial, and when to stop. */
  reconnect?: ReconnectOptions
  /** A dial without an answer is a failed attempt after so many ms. @default 10000 */
  connectTimeoutMs?: number
  /** How a link that has died silently is noticed. `false`: only by the `close` of the network. */
  heartbeat?: HeartbeatOptions | false
  /** Polling while no WebSocket gets through. `false`: redials go on at the longest delay. */
  fallback?: FallbackOptions | false
  /** How much waits to be sent, how long, and how fast it leaves. */
  queue?: QueueOptions
  /** Messages that come together for rendering. `false`: each message is a batch of one, told at once. */
  batch?: BatchOptions<Incoming> | false
  /** Suppression of messages that came before. `false`: none. */
  dedupe?: DedupeOptions<Incoming> | false
  /** How many changes of status `stateHistory` keeps. */
  history?: HistoryOptions
  /** How frames are read and written. @default envelope() */
  protocol?: Protocol<Incoming, Outgoing>
  /**
   * Which user this is, as `setIdentity()` at creation; `null`: nobody is logged in. Never sent. Hooks and
   * composables share a client only with those of an equal identity. @default none
   */
  identity?: string | null | undefined
  /**
   * Kept until the server refuses it (4401, HTTP 401), then asked anew, once until the link was stable or a
   * poll was answered. Sent in `hello` (protocol v1) or as a first `auth` message, and as
   * `Authorization: Bearer` by HTTP; never in a URL. A function that gives `undefined`, `null` or `''` has none, and
   * is asked again by the next dial or poll. An answer that comes too late for its attempt is kept for the next,
   * unless `setToken()`, `setIdentity()` or a refusal came first. @default none
   */
  token?: ValueOrProvider<string>
  /** A Standard Schema (zod, valibot, arktype) for incoming messages; a bad one is an `error` event. @default none */
  schema?: Schema<Incoming>
  /** Where the log lines go. @default none */
  logger?: Logger
  /** Its abort is `close()`. @default none */
  signal?: AbortSignal
  /** Parts of the client besides those of the entry; of two with one name the later counts. @default none */
  use?: readonly Part[]
  /** Parts of the runtime to replace, for tests and runtimes without WebSocket. */
  environment?: Partial<Environment>
}
