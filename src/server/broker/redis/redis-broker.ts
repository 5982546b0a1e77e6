/** Channels, histories and sessions in Redis, shared by any number of servers. */
import { nanoid } from 'nanoid'
import type { ServerLogger } from '../../logging.ts'
import { forLog } from '../../logging.ts'
import { createLruMap } from '../../lru-map.ts'
import { requireNumber } from '../../validate.ts'
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
import { createFanOut, type FanOut } from './ordered-fan-out.ts'
import { CLOSED, createRedisLink, type RedisLink } from './redis-connection.ts'
import { createRedisSessions, type RedisSessions } from './redis-sessions.ts'

export interface RedisBrokerOptions {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss:` for TLS. Never logged. */
  url: string
  /** Messages remembered per channel. @default 1000 */
  historySize?: number
  /** How long, in ms. @default 300000 */
  historyTtlMs?: number
  /** What every key begins with, so that others may use the same database. @default 'rws:' */
  keyPrefix?: string
  /**
   * After so long without a word, in ms, a server counts as dead, and another one applies the message that it had
   * begun; a Redis that is silent for a quarter of it counts as away. At least 100. @default 10000
   */
  leaseMs?: number
  /** Told when Redis goes away and comes back. @default none */
  logger?: Partial<ServerLogger>
  /** The clock, ms since the epoch. @default Date.now */
  now?: () => number
}

/** A channel outlives its last message by so long; the next one then begins another epoch. */
const CHANNEL_TTL_MS = 7 * 24 * 3_600_000
/** Channels remembered that were only asked for. */
const MOST_SILENT = 10_000
/** Channels whose newest position this server remembers, to notice a Redis that has forgotten it. */
const MOST_SEEN = 10_000
/** Histories read at a time: what is published meanwhile waits behind the answers of so many. */
const MOST_READS = 4
/** Bytes of a history that are answered at once; see `#readHistory`. */
const PART_BYTES = 262_144
/** How long a server that ends waits for its handlers. */
const SETTLE_MS = 5000

const KNOWN = ['url', 'historySize', 'historyTtlMs', 'keyPrefix', 'leaseMs', 'logger', 'now']

/** A message of a stream. */
interface Entry {
  readonly offset: number
  /** When it was published, ms since the epoch. */
  readonly at: number
  readonly text: string
}

/** Redis takes whole numbers only. */
const whole = (value: number): number => Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)

const urlOf = (given: unknown): URL => {
  const url = typeof given === 'string' && URL.canParse(given) ? new URL(given) : undefined
  if (url?.hostname && /^rediss?:$/.test(url.protocol) && /^\/?\d*$/.test(url.pathname)) return url
  // What came may hold a password.
  throw new TypeError(
    "url: expected 'redis://host:port' or 'rediss://host:port', got something else",
  )
}

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
  readonly sessions: SessionStore
  readonly #sessions: RedisSessions
  readonly #link: RedisLink
  readonly #fanOut: FanOut
  readonly #reads: HistoryReads
  readonly #prefix: string
  readonly #size: number
  readonly #ttlMs: number
  readonly #now: () => number
  readonly #attached = new Set<{
    readonly deliver: Deliver
    readonly taken: OnTakeover | undefined
  }>()
  /** Left, and not joined again: whoever still asks for a history does not open it. */
  #left = false
  readonly #seen = createLruMap<Position>(MOST_SEEN)
  /** Where publications are told. Topics know no databases, so that the number is part of them. */
  readonly #topic: string

  /** Throws a `TypeError` or `RangeError` that names a bad option. */
  constructor(options: RedisBrokerOptions) {
    const unknown = Object.keys(options ?? {}).find(name => !KNOWN.includes(name))
    if (unknown) throw new TypeError(`${unknown}: expected one of ${KNOWN.join(', ')}`)
    const { historySize = 1000, historyTtlMs = 300_000, leaseMs = 10_000 } = options ?? {}
    const { keyPrefix = 'rws:', logger = {}, now = Date.now } = options ?? {}
    const url = urlOf(options?.url)
    requireNumber('historySize', historySize, 0)
    requireNumber('historyTtlMs', historyTtlMs, 0)
    requireNumber('leaseMs', leaseMs, 100, 3_600_000)
    if (typeof keyPrefix !== 'string') {
      throw new TypeError(`keyPrefix: expected a string, got ${typeof keyPrefix}`)
    }
    this.#prefix = keyPrefix
    this.#size = whole(historySize)
    this.#ttlMs = historyTtlMs
    this.#now = now
    const server = nanoid()
    const topics = `${keyPrefix}${url.pathname.slice(1) || 0}:`
    const taken = `${topics}taken:`
    const servers = `${keyPrefix}server:`
    this.#topic = `${topics}published`
    this.#reads = createHistoryReads({
      read: (channel, read) => this.#readHistory(channel, read),
      atOnce: MOST_READS,
    })
    this.#fanOut = createFanOut({
      history: (channel, afterOffset) => this.history(channel, afterOffset),
      deliver: published => {
        for (const { deliver } of [...this.#attached]) {
          try {
            deliver(published)
          } catch (thrown) {
            logger.error?.(`A message was not delivered: ${forLog(thrown)}`)
          }
        }
      },
    })
    this.#link = createRedisLink({
      url,
      topics: [this.#topic, taken + server],
      alive: servers + server,
      leaseMs,
      logger,
      heard: (topic, text) => (topic === this.#topic ? this.#heard(text) : this.#heardTaken(text)),
      arrived: () => void this.#fanOut.catchUp(),
    })
    this.#sessions = createRedisSessions({
      link: this.#link,
      server,
      prefix: keyPrefix,
      servers,
      taken,
      leaseMs,
    })
    this.sessions = this.#sessions
  }

  /** Rejects only where the package `redis` is missing: it goes on trying to reach a Redis that is away. */
  async attach(deliver: Deliver, taken?: OnTakeover): Promise<() => Promise<void>> {
    const member = { deliver, taken }
    this.#attached.add(member)
    try {
      await this.#open()
    } catch (thrown) {
      this.#attached.delete(member)
      throw thrown
    }
    return async () => {
      if (!this.#attached.delete(member) || this.#attached.size) return
      await this.close()
    }
  }

  /**
   * Appends to a channel. A `BrokerError` of the code `away` means that nothing was published, `unknown` that
   * nobody knows: publish it again with the same `id`, and no client gets it twice.
   */
  async publish(channel: string, publication: Publication): Promise<Position> {
    await this.#open()
    const { type, data, id = nanoid(), timestamp = this.#now() } = publication
    const head = JSON.stringify({ type, data, timestamp, id, channel }).slice(0, -1)
    const [epoch, offset] = (await this.#link.run(
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

  async history(channel: string, afterOffset = 0, query: HistoryQuery = {}): Promise<History> {
    await this.#openToRead()
    return this.#reads.history(channel, afterOffset, query)
  }

  /**
   * In parts: between two of them others get their answers, and each is a sign of life. It ends where the channel stood at the
   * first part; what is published later is heard.
   */
  async #readHistory(channel: string, read: HistoryRead): Promise<History> {
    let first = await this.#readPart(channel, read, read.afterOffset)
    let entries: Entry[] = []
    for (let part = first; ; ) {
      const at = part.entries[0]?.offset
      // What came before was trimmed meanwhile: a history has no hole.
      if (at !== undefined && at - 1 !== entries.at(-1)?.offset) entries = []
      entries.push(...part.entries.filter(({ offset }) => offset <= first.offset))
      const last = part.entries.at(-1)?.offset ?? first.offset
      if (last >= first.offset) break
      // The limit was for the first part: what is published meanwhile does not count.
      part = await this.#readPart(channel, { ...read, limit: Number.MAX_SAFE_INTEGER }, last)
      if (part.epoch === first.epoch) continue
      first = await this.#readPart(channel, read, read.afterOffset)
      part = first
      entries = []
    }
    const { epoch, offset, oldest } = first
    const tooOld = this.#now() - this.#ttlMs
    // Clocks of servers differ a little: whatever is before the last that is too old is too old as well.
    let gone = entries.length
    while (gone && (entries[gone - 1] as Entry).at > tooOld) gone--
    // An end that is gone meanwhile leaves nothing that ends at the offset.
    const isWhole = entries.at(-1)?.offset === offset
    const messages = entries
      .slice(isWhole ? gone : entries.length)
      .map(entry => new StoredMessage(channel, epoch, entry.offset, entry.text))
    return { epoch, offset, messages, oldest }
  }

  async #readPart(channel: string, read: HistoryRead, afterOffset: number) {
    const [epoch, head, believed, entries, oldest] = (await this.#link.run(
      HISTORY,
      this.#keys(`channel:${channel}`, `stream:${channel}`, 'silent', 'silent-epochs'),
      [
        ...this.#seenOf(channel),
        channel,
        afterOffset,
        nanoid(),
        whole(this.#now()),
        MOST_SILENT,
        CHANNEL_TTL_MS,
        read.epoch === undefined ? '' : `=${read.epoch}`,
        whole(read.limit),
        read.highestAfter,
        PART_BYTES,
      ],
    )) as [string, string, number, [string, [string, string, string, string]][], string]
    const offset = Number(head)
    if (believed) this.#see(channel, { epoch, offset })
    return {
      epoch,
      offset,
      oldest: Number(oldest),
      entries: entries.map(([id, [, at, , text]]): Entry => {
        return { offset: Number.parseInt(id, 10), at: Number(at), text }
      }),
    }
  }

  async newest(channel: string): Promise<Published | undefined> {
    await this.#openToRead()
    const keys = this.#keys(`channel:${channel}`)
    const [epoch, , text] = (await this.#link.run(NEWEST, keys)) as (string | null)[]
    return epoch && text ? this.#read(epoch, text) : undefined
  }

  /** Empty while Redis is away. */
  async heads(channels: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    if (!channels.length || !this.ready()) return new Map()
    const keys = this.#keys(...channels.map(channel => `channel:${channel}`))
    const answer = await this.#link.run(HEADS, keys).catch((thrown: unknown) => {
      if (thrown instanceof BrokerError) return []
      throw thrown
    })
    const heads = answer as [string | null, string | null][]
    return new Map(
      heads.flatMap(([epoch, offset], index) =>
        epoch ? [[channels[index] as string, { epoch, offset: Number(offset) }] as const] : [],
      ),
    )
  }

  async channels(limit: number): Promise<readonly string[]> {
    await this.#openToRead()
    return (await this.#link.run(CHANNELS, this.#keys('channels'), [whole(limit)])) as string[]
  }

  ready(): boolean {
    return this.#link.ready()
  }

  /** Leaves Redis; for those who publish without a server. Waits up to 5 s for messages that are being applied. */
  async close(): Promise<void> {
    this.#left = true
    await this.#sessions.settle(SETTLE_MS)
    await this.#link.close()
  }

  #open(): Promise<void> {
    this.#left = false
    return this.#link.open()
  }

  async #openToRead(): Promise<void> {
    if (this.#left) throw new BrokerError('away', CLOSED)
    await this.#link.open()
  }

  #keys(...names: string[]): string[] {
    return names.map(name => this.#prefix + name)
  }

  #read(epoch: string, text: string): Published {
    const { channel, offset } = JSON.parse(text) as { channel: string; offset: number }
    return new StoredMessage(channel, epoch, offset, text)
  }

  #heard(payload: string): void {
    const blank = payload.indexOf(' ')
    const published = this.#read(payload.slice(0, blank), payload.slice(blank + 1))
    this.#see(published.channel, published)
    this.#fanOut.heard(published)
  }

  #heardTaken(text: string): void {
    this.#sessions.heardTaken(text, (incarnation, gen) => {
      for (const { taken } of [...this.#attached]) taken?.(incarnation, gen)
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
