/** The way to Redis: connects, connects again when it is lost, and runs scripts. */
import { forLog, type ServerLogger } from '../../logging.ts'
import { BrokerError } from '../broker.ts'
import {
  allOf,
  type Connection,
  type ConnectionSet,
  createConnectionSet,
  type RedisClient,
} from './connection-set.ts'
import type { RedisScript } from './lua-scripts.ts'
import {
  CLOSED,
  ClusterError,
  isClusterReply,
  isWriteRefused,
  messageOf,
  redact,
} from './redis-errors.ts'
import { createRedisHeartbeat, type RedisHeartbeat } from './redis-heartbeat.ts'

export interface RedisConnectionDeps {
  /** Checked: `redis:` or `rediss:`. */
  readonly url: URL
  /** The topics that it subscribes to. */
  readonly topics: readonly string[]
  /** The key that says that this server lives; it ends `leaseMs` after the last ping. */
  readonly aliveKey: string
  readonly leaseMs: number
  readonly logger: Partial<ServerLogger>
  /** Something was published on one of the topics. */
  onMessage(topic: string, text: string): void
  /** Connected, for the first time or again. */
  onConnected(): void
}

export type Arguments = readonly (string | number)[]

const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 1000
const CONNECT_TIMEOUT_MS = 2000

const MISSING = 'RedisBroker needs the package `redis`: run `npm install redis`'

const load = async () => {
  try {
    return await import('redis')
  } catch (cause) {
    throw new Error(MISSING, { cause })
  }
}

type Redis = Awaited<ReturnType<typeof load>>

const createClient = (redis: Redis, url: URL): RedisClient =>
  redis.createClient({
    url: url.href,
    RESP: 3,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    // The heartbeat measures by itself whether Redis is silent for too long.
    commandOptions: { timeout: 0 },
    socket: { reconnectStrategy: false, connectTimeout: CONNECT_TIMEOUT_MS },
  }) as unknown as RedisClient

const runIdOf = async ({ send }: Connection, { host }: URL): Promise<string> => {
  const info = String(await send(['INFO', 'server']))
  if (/^redis_mode:cluster/m.test(info)) throw new ClusterError(host)
  const [, runId] = /^run_id:(\w+)/m.exec(info) ?? []
  if (runId === undefined) throw new Error('INFO names no run_id')
  return runId
}

/** Connects all of a set, and checks that one and the same Redis answers that can run the scripts. */
const connectSet = async (
  set: ConnectionSet,
  { url, topics, aliveKey }: RedisConnectionDeps,
  onMessage: (topic: string, text: string) => void,
): Promise<string> => {
  const { commands, listener } = set
  await Promise.all(allOf(set).map(({ client }) => client.connect()))
  const runIds = await Promise.all(allOf(set).map(each => runIdOf(each, url)))
  const [runId] = runIds as [string]
  if (runIds.some(each => each !== runId)) throw new Error('Different servers answered')
  // A script of several keys: no cluster, and no replica, runs it.
  await commands.send(['EVAL', 'return 1', '2', aliveKey, `${aliveKey}:`])
  await listener.client.subscribe([...topics], (text, topic) => {
    listener.lastActivityAt = performance.now()
    onMessage(topic, text)
  })
  return runId
}

export class RedisConnection {
  readonly #deps: RedisConnectionDeps
  readonly #heartbeat: RedisHeartbeat
  #redis: Redis | undefined
  #opened: Promise<void> | undefined
  /** Counts openings and closings: an opening that waited sees whether it was the last of these. */
  #generation = 0
  #closing: Promise<void> | undefined
  #closed = true
  #dialing: ConnectionSet | undefined
  #current: ConnectionSet | undefined
  /** Why this Redis can never be used. */
  #unusable: Error | undefined
  #retryMs = FIRST_RETRY_MS
  #retryTimer: NodeJS.Timeout | undefined
  #loggedAway = false
  /** Called when it is connected or closed. */
  readonly #waiting = new Set<() => void>()

  constructor(deps: RedisConnectionDeps) {
    const { aliveKey, leaseMs } = deps
    this.#deps = deps
    this.#heartbeat = createRedisHeartbeat({
      aliveKey,
      leaseMs,
      onLost: (set, error) => this.#lose(set, error),
    })
  }

  /** Connects at the first call; resolves after the first attempt, also a failed one. Rejects for a Redis Cluster. */
  open(): Promise<void> {
    this.#opened ??= this.#open()
    return this.#opened
  }

  ready(): boolean {
    return this.#current !== undefined
  }

  /** How long it has been connected without a break, in ms. */
  uptimeMs(): number {
    return this.#current ? performance.now() - this.#current.since : 0
  }

  /** Runs a script. Rejects with a `BrokerError` while Redis is away. */
  async run(script: RedisScript, keys: readonly string[], args: Arguments = []): Promise<unknown> {
    const { url } = this.#deps
    const set = this.#current
    if (!set) {
      throw this.#unusable ?? new BrokerError('away', `Redis at ${url.host} is away`)
    }
    const { commands, runId } = set
    const given = [String(keys.length), ...keys, runId, ...args.map(String)]
    try {
      return await commands.send(['EVALSHA', script.sha, ...given]).catch(error => {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return commands.send(['EVAL', script.text, ...given])
      })
    } catch (error) {
      const answered = this.#redis && error instanceof this.#redis.ErrorReply
      if (answered && !isWriteRefused(error)) throw error
      this.#lose(set, error)
      throw answered
        ? new BrokerError('away', `Redis at ${url.host} takes nothing: ${redact(error, url)}`)
        : new BrokerError('unknown', `Redis at ${url.host} was lost before it answered`)
    }
  }

  /** The same over as many connections as it takes: for scripts that may run twice. Rejects once closed. */
  async runUntilAnswered(
    script: RedisScript,
    keys: readonly string[],
    args?: Arguments,
  ): Promise<unknown> {
    for (;;) {
      await this.#connected()
      try {
        return await this.run(script, keys, args)
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
      }
    }
  }

  close(): Promise<void> {
    this.#generation++
    this.#opened = undefined
    if (!this.#closed) this.#closing = this.#end()
    return this.#closing ?? Promise.resolve()
  }

  async #open(): Promise<void> {
    const generation = ++this.#generation
    await this.#closing
    this.#redis ??= await load()
    if (generation !== this.#generation) throw new BrokerError('away', CLOSED)
    this.#closed = false
    await this.#dial(this.#redis)
    if (!this.#unusable) return
    const reason = this.#unusable
    await this.#end()
    throw reason
  }

  async #dial(redis: Redis): Promise<void> {
    const { url, leaseMs } = this.#deps
    const set = createConnectionSet(
      () => createClient(redis, url),
      (lost, reason) => this.#lose(lost, reason),
    )
    this.#dialing = set
    try {
      this.#heartbeat.limit(CONNECT_TIMEOUT_MS + leaseMs / 4, () =>
        this.#lose(set, new Error('No answer')),
      )
      const runId = await connectSet(set, this.#deps, (topic, text) => {
        if (set === this.#current) this.#onMessage(topic, text)
      })
      await this.#heartbeat.ping(set)
      if (set !== this.#dialing) return
      this.#use(set, runId)
    } catch (error) {
      this.#lose(set, error)
    }
  }

  /** The set is connected. */
  #use(set: ConnectionSet, runId: string): void {
    const { url, logger, onConnected } = this.#deps
    this.#heartbeat.stop()
    this.#dialing = undefined
    this.#current = Object.assign(set, { runId, since: performance.now() })
    this.#retryMs = FIRST_RETRY_MS
    this.#unusable = undefined
    if (this.#loggedAway) logger.info?.(`Redis at ${url.host} is back`)
    this.#loggedAway = false
    this.#heartbeat.start(set)
    onConnected()
    this.#wake()
  }

  /** Gives up a set that is in use, or being connected, and dials again after a while. */
  #lose(set: ConnectionSet, error: unknown): void {
    if (set !== this.#current && set !== this.#dialing) return
    const { url, logger } = this.#deps
    const reason = isClusterReply(error) ? new ClusterError(url.host) : error
    this.#current = undefined
    this.#dialing = undefined
    this.#heartbeat.stop()
    set.destroy()
    if (this.#closed) return
    const before = this.#unusable
    this.#unusable = reason instanceof ClusterError ? reason : undefined
    if (this.#unusable && !before) logger.error?.(this.#unusable.message)
    if (!this.#unusable && !this.#loggedAway) {
      logger.warn?.(`Redis at ${url.host} is away: ${redact(reason, url)}`)
    }
    this.#loggedAway = true
    this.#retryTimer = setTimeout(() => this.#dial(this.#redis as Redis), this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS)
  }

  async #end(): Promise<void> {
    const set = this.#current
    this.#closed = true
    this.#opened = undefined
    // Other servers need not wait for the end of the lease. The heartbeat gives up a Redis that does not answer.
    if (set) await set.commands.send(['DEL', this.#deps.aliveKey]).catch(() => {})
    this.#current = undefined
    this.#dialing?.destroy()
    set?.destroy()
    this.#dialing = undefined
    this.#unusable = undefined
    clearTimeout(this.#retryTimer)
    this.#heartbeat.stop()
    this.#wake()
  }

  /** Topics are open to all: a message that is not ours must not end the connection. */
  #onMessage(topic: string, text: string): void {
    const { url, logger, onMessage } = this.#deps
    try {
      onMessage(topic, text)
    } catch (error) {
      logger.error?.(`On ${forLog(topic)} of Redis at ${url.host}: ${redact(error, url)}`)
    }
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!this.#closed && !this.#current) return
        this.#waiting.delete(check)
        if (this.#closed) reject(new BrokerError('away', CLOSED))
        else resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}
