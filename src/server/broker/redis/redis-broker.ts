/** Channels, histories and sessions in Redis, shared by any number of servers. */
import { nanoid } from 'nanoid'
import { forLog } from '../../logging.ts'
import { createLruMap } from '../../lru-map.ts'
import {
  type Broker,
  BrokerError,
  type Deliver,
  type History,
  type HistoryQuery,
  type OnTakeover,
  type Position,
  type Publication,
  type Published,
} from '../broker.ts'
import type { SessionStore } from '../session-store.ts'
import { StoredMessage } from '../stored-message.ts'
import { createHistoryReads, type HistoryRead, type HistoryReads } from './history-reads.ts'
import { CHANNELS, HEADS, HISTORY, NEWEST, PUBLISH } from './lua-scripts.ts'
import { createOrderedFanOut, type OrderedFanOut } from './ordered-fan-out.ts'
import { RedisConnection } from './redis-connection.ts'
import { CLOSED } from './redis-errors.ts'
import { type HistoryPart, readHistory } from './redis-history.ts'
import { type RedisBrokerOptions, resolveRedisOptions } from './redis-options.ts'
import { createRedisSessions, type RedisSessions } from './redis-sessions.ts'

/** A channel outlives its last message by so long; the next message then begins another epoch. */
const CHANNEL_TTL_MS = 7 * 24 * 3_600_000
/** Channels without a message that are kept, since somebody has read their position. */
const MAX_SILENT = 10_000
/** Channels whose newest position this server remembers, to notice a Redis that has forgotten it. */
const MAX_SEEN = 10_000
/** Histories read at a time: a publication of meanwhile waits behind the answers of so many. */
const MAX_READS = 4
/** Bytes of a history in one answer; see `readHistory`. */
const PART_BYTES = 262_144
/** How long a server that ends waits for its handlers. */
const SETTLE_MS = 5000

/** Redis takes finite whole numbers only. */
const whole = (value: number): number => Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)

/**
 * The broker for several servers: each has its own `RedisBroker` on the same Redis (6.2 or newer, one that
 * evicts nothing). Needs the package `redis`, which is loaded when the first server listens.
 *
 * ```ts
 * const server = createServer({ broker: new RedisBroker({ url: 'redis://localhost:6379' }) })
 * ```
 *
 * It connects with its first server and leaves with its last. Where Redis is away, `publish()` rejects with a
 * `BrokerError`, `/readyz` is 503, and clients are sent away until it is back.
 */
export class RedisBroker implements Broker {
  /** The sessions of the clients of all servers on this Redis. */
  readonly sessions: SessionStore
  readonly #sessions: RedisSessions
  readonly #connection: RedisConnection
  readonly #fanOut: OrderedFanOut
  readonly #reads: HistoryReads
  readonly #prefix: string
  readonly #size: number
  readonly #ttlMs: number
  readonly #now: () => number
  readonly #attached = new Set<{
    readonly deliver: Deliver
    readonly onTakeover: OnTakeover | undefined
  }>()
  /** Closed and not used again: a history that is still to be read does not connect once more. */
  #left = false
  readonly #seen = createLruMap<Position>(MAX_SEEN)
  /** The topic of publications. Pub/sub ignores the selected database, so the topic carries its number. */
  readonly #topic: string

  /** Throws a `TypeError` or `RangeError` that names a bad option. */
  constructor(options: RedisBrokerOptions) {
    const { url, historySize, historyTtlMs, leaseMs, keyPrefix, logger, now } =
      resolveRedisOptions(options)
    this.#prefix = keyPrefix
    this.#size = whole(historySize)
    this.#ttlMs = historyTtlMs
    this.#now = now
    const server = nanoid()
    const topicPrefix = `${keyPrefix}${url.pathname.slice(1) || 0}:`
    const takeoverPrefix = `${topicPrefix}taken:`
    const serversPrefix = `${keyPrefix}server:`
    this.#topic = `${topicPrefix}published`
    this.#reads = createHistoryReads({
      read: (channel, read) => this.#readHistory(channel, read),
      maxReads: MAX_READS,
    })
    this.#fanOut = createOrderedFanOut({
      readHistory: (channel, afterOffset) => this.history(channel, afterOffset),
      deliver: published => {
        for (const { deliver } of [...this.#attached]) {
          try {
            deliver(published)
          } catch (error) {
            logger.error?.(`A message was not delivered: ${forLog(error)}`)
          }
        }
      },
    })
    this.#connection = new RedisConnection({
      url,
      topics: [this.#topic, takeoverPrefix + server],
      aliveKey: serversPrefix + server,
      leaseMs,
      logger,
      onMessage: (topic, text) =>
        topic === this.#topic ? this.#onPublished(text) : this.#onTakeover(text),
      onConnected: () => void this.#fanOut.catchUp(),
    })
    this.#sessions = createRedisSessions({
      connection: this.#connection,
      server,
      prefix: keyPrefix,
      serversPrefix,
      takeoverPrefix,
      leaseMs,
    })
    this.sessions = this.#sessions
  }

  /** Rejects only where the package `redis` is missing: it goes on trying to reach a Redis that is away. */
  async attach(deliver: Deliver, onTakeover?: OnTakeover): Promise<() => Promise<void>> {
    const member = { deliver, onTakeover }
    this.#attached.add(member)
    try {
      await this.#open()
    } catch (error) {
      this.#attached.delete(member)
      throw error
    }
    return async () => {
      if (!this.#attached.delete(member) || this.#attached.size) return
      await this.close()
    }
  }

  /**
   * Appends to a channel. A `BrokerError` of the code `away` means that nothing was published, `unknown` that it may have
   * been: publish it again with the same `id`, and no client gets it twice.
   */
  async publish(channel: string, publication: Publication): Promise<Position> {
    await this.#open()
    const { type, data, id = nanoid(), timestamp = this.#now() } = publication
    const head = JSON.stringify({ type, data, timestamp, id, channel }).slice(0, -1)
    const [epoch, offset] = (await this.#connection.run(
      PUBLISH,
      this.#keys(`channel:${channel}`, `stream:${channel}`, 'channels', 'silent', 'silent-epochs'),
      [
        ...this.#seenOf(channel),
        channel,
        head,
        nanoid(),
        whole(this.#now()),
        this.#size,
        whole(this.#ttlMs),
        CHANNEL_TTL_MS,
        this.#topic,
      ],
    )) as [string, string]
    const position = { epoch, offset: Number(offset) }
    this.#see(channel, position)
    return position
  }

  /** The messages of a channel with offsets above `afterOffset`. Rejects with a `BrokerError` while Redis is away. */
  async history(channel: string, afterOffset = 0, query: HistoryQuery = {}): Promise<History> {
    await this.#openToRead()
    return this.#reads.history(channel, afterOffset, query)
  }

  /** The newest message of a channel, also when the history has forgotten it. Rejects while Redis is away. */
  async newest(channel: string): Promise<Published | undefined> {
    await this.#openToRead()
    const keys = this.#keys(`channel:${channel}`)
    const [epoch, , text] = (await this.#connection.run(NEWEST, keys)) as (string | null)[]
    return epoch && text ? this.#parse(epoch, text) : undefined
  }

  /** The newest position of each channel. Empty while Redis is away. */
  async heads(channels: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    if (!channels.length || !this.ready()) return new Map()
    const keys = this.#keys(...channels.map(channel => `channel:${channel}`))
    const answer = await this.#connection.run(HEADS, keys).catch((error: unknown) => {
      if (error instanceof BrokerError) return []
      throw error
    })
    const heads = answer as [string | null, string | null][]
    return new Map(
      heads.flatMap(([epoch, offset], index) =>
        epoch ? [[channels[index] as string, { epoch, offset: Number(offset) }] as const] : [],
      ),
    )
  }

  /** The channels that have a newest message, at most `limit`. Rejects while Redis is away. */
  async channels(limit: number): Promise<readonly string[]> {
    await this.#openToRead()
    return (await this.#connection.run(CHANNELS, this.#keys('channels'), [
      whole(limit),
    ])) as string[]
  }

  /** False while Redis is away. */
  ready(): boolean {
    return this.#connection.ready()
  }

  /** Leaves Redis; for programs that publish without a server. Waits up to 5 s for messages that are being applied. */
  async close(): Promise<void> {
    this.#left = true
    await this.#sessions.settle(SETTLE_MS)
    await this.#connection.close()
  }

  #open(): Promise<void> {
    this.#left = false
    return this.#connection.open()
  }

  async #openToRead(): Promise<void> {
    if (this.#left) throw new BrokerError('away', CLOSED)
    await this.#connection.open()
  }

  #readHistory(channel: string, read: HistoryRead): Promise<History> {
    return readHistory(
      (...given) => this.#readPart(...given),
      channel,
      read,
      () => this.#now() - this.#ttlMs,
    )
  }

  async #readPart(channel: string, read: HistoryRead, afterOffset: number): Promise<HistoryPart> {
    const [epoch, head, trusted, entries, oldest] = (await this.#connection.run(
      HISTORY,
      this.#keys(`channel:${channel}`, `stream:${channel}`, 'silent', 'silent-epochs'),
      [
        ...this.#seenOf(channel),
        channel,
        afterOffset,
        nanoid(),
        whole(this.#now()),
        MAX_SILENT,
        CHANNEL_TTL_MS,
        read.epoch === undefined ? '' : `=${read.epoch}`,
        whole(read.limit),
        read.highestAfter,
        PART_BYTES,
      ],
    )) as [string, string, number, [string, [string, string, string, string]][], string]
    const offset = Number(head)
    if (trusted) this.#see(channel, { epoch, offset })
    return {
      epoch,
      offset,
      oldest: Number(oldest),
      entries: entries.map(([id, [, at, , text]]) => {
        return { offset: Number.parseInt(id, 10), at: Number(at), text }
      }),
    }
  }

  #keys(...names: string[]): string[] {
    return names.map(name => this.#prefix + name)
  }

  #parse(epoch: string, text: string): Published {
    const { channel, offset } = JSON.parse(text) as { channel: string; offset: number }
    return new StoredMessage(channel, epoch, offset, text)
  }

  #onPublished(payload: string): void {
    const blank = payload.indexOf(' ')
    const published = this.#parse(payload.slice(0, blank), payload.slice(blank + 1))
    this.#see(published.channel, published)
    this.#fanOut.onPublished(published)
  }

  #onTakeover(text: string): void {
    this.#sessions.onTakeoverMessage(text, (incarnation, gen) => {
      for (const { onTakeover } of [...this.#attached]) onTakeover?.(incarnation, gen)
    })
  }

  #seenOf(channel: string): readonly [string, number] {
    const { epoch = '', offset = 0 } = this.#seen.get(channel) ?? {}
    return [epoch, offset]
  }

  #see(channel: string, { epoch, offset }: Position): void {
    const seen = this.#seen.get(channel)
    if (seen?.epoch === epoch && seen.offset > offset) return
    this.#seen.set(channel, { epoch, offset })
  }
}
