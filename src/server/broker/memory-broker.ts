/** Channels in this process's memory. */
import { nanoid } from 'nanoid'
import { requireNumber } from '../validate.ts'
import type {
  Broker,
  Deliver,
  History,
  HistoryQuery,
  Position,
  Publication,
  Published,
} from './broker.ts'
import { type Linked, LinkedList } from './linked-list.ts'
import { createMemorySessions } from './memory-sessions.ts'
import type { SessionStore } from './session-store.ts'
import { StoredMessage } from './stored-message.ts'

export interface MemoryBrokerOptions {
  /** Messages remembered per channel; 0 remembers none but the newest. @default 1000 */
  historySize?: number
  /** How long they are remembered, in ms; `Infinity`: until others take their place. @default 300000 */
  historyTtlMs?: number
  /**
   * Bytes remembered of all channels together: the JSON of each message, and 150 for the objects around it. Beyond them the
   * channel that was published on least recently forgets first, its oldest message first; a subscriber that comes back for
   * one of these gets a gap (`trimmed`). The newest message of each channel goes last. @default 134217728 (128 MiB)
   */
  maxHistoryBytes?: number
  /** Channels remembered, at least 1; beyond them the one that was silent longest goes. @default 10000 */
  maxChannels?: number
  /** The clock, ms since the epoch. @default Date.now */
  now?: () => number
}

interface Channel extends Linked<Channel> {
  readonly epoch: string
  offset: number
  /** Oldest first; the places before `first` are empty. */
  messages: (Published | undefined)[]
  times: number[]
  first: number
  /** The size of the messages from `first` on. */
  bytes: number
  newest: Published | undefined
}

/** Measured: objects, arrays and strings around a short message. */
const OVERHEAD_BYTES = 150
/** Messages that are too old are dropped ten times in their time to live, within these bounds. */
const MIN_SWEEP_MS = 1000
const MAX_SWEEP_MS = 30_000
/** Empty places at the front of a history before it is moved. */
const MAX_EMPTY = 64

const sizeOf = ({ text }: Published): number => Buffer.byteLength(text) + OVERHEAD_BYTES

/** The default broker: one process, whose histories and sessions end with it; clients then get gaps (`epoch`). */
export class MemoryBroker implements Broker {
  readonly sessions: SessionStore
  readonly #size: number
  readonly #ttlMs: number
  readonly #maxBytes: number
  readonly #maxChannels: number
  readonly #now: () => number
  readonly #channels = new Map<string, Channel>()
  /** Channels that were only read: a client that names many pushes out no channel that has messages. */
  readonly #silent = new Map<string, Channel>()
  /** Channels with a history, the one that was published on least recently first. */
  readonly #withHistory = new LinkedList<Channel>()
  /** Channels whose history is forgotten but for the newest message. */
  readonly #withNewestOnly = new LinkedList<Channel>()
  readonly #attached = new Set<Deliver>()
  #bytes = 0
  #sweeper: NodeJS.Timeout | undefined

  /** Throws a `TypeError` or `RangeError` that names a bad option. */
  constructor(options: MemoryBrokerOptions = {}) {
    const {
      historySize = 1000,
      historyTtlMs = 300_000,
      maxHistoryBytes = 134_217_728,
      maxChannels = 10_000,
      now,
    } = options
    requireNumber('historySize', historySize, 0)
    requireNumber('historyTtlMs', historyTtlMs, 0)
    requireNumber('maxHistoryBytes', maxHistoryBytes, 0)
    requireNumber('maxChannels', maxChannels, 1)
    this.#size = historySize
    this.#ttlMs = historyTtlMs
    this.#maxBytes = maxHistoryBytes
    this.#maxChannels = maxChannels
    this.#now = now ?? Date.now
    this.sessions = createMemorySessions(this.#now)
  }

  /** Bytes that are remembered now, as `maxHistoryBytes` counts them. */
  get historyBytes(): number {
    return this.#bytes
  }

  async attach(deliver: Deliver): Promise<() => Promise<void>> {
    this.#attached.add(deliver)
    return async () => void this.#attached.delete(deliver)
  }

  async publish(channel: string, publication: Publication): Promise<Position> {
    const history = this.#open(channel)
    const { epoch } = history
    const offset = history.offset + 1
    const { type, data, id = nanoid(), timestamp = this.#now() } = publication
    // Before the offset is used up: an error here must leave no hole.
    const text = JSON.stringify({ type, data, timestamp, id, channel, offset })
    history.offset = offset
    if (this.#silent.delete(channel)) this.#keep(this.#channels, channel, history)
    const published = new StoredMessage(channel, epoch, offset, text)
    this.#remember(history, published)
    for (const deliver of [...this.#attached]) deliver(published)
    return { epoch, offset }
  }

  async history(channel: string, afterOffset = 0, query: HistoryQuery = {}): Promise<History> {
    const history = this.#open(channel)
    this.#trim(history)
    const { epoch, offset, messages, first } = history
    const missed = Math.max(0, offset - afterOffset)
    const tooMany = missed > (query.limit ?? Number.POSITIVE_INFINITY)
    if (tooMany || (query.epoch !== undefined && query.epoch !== epoch)) {
      const oldest = offset - (messages.length - first) + 1
      return { epoch, offset, messages: [], ...(tooMany && { oldest }) }
    }
    const start = Math.max(first, messages.length - missed)
    return { epoch, offset, messages: messages.slice(start) as Published[] }
  }

  async newest(channel: string): Promise<Published | undefined> {
    return this.#channels.get(channel)?.newest
  }

  async heads(channels: readonly string[]): Promise<ReadonlyMap<string, Position>> {
    return new Map(
      channels.flatMap(name => {
        const known = this.#channels.get(name) ?? this.#silent.get(name)
        return known ? [[name, { epoch: known.epoch, offset: known.offset }] as const] : []
      }),
    )
  }

  async channels(limit: number): Promise<readonly string[]> {
    const names: string[] = []
    for (const [name, { newest }] of this.#channels) {
      if (names.length >= limit) break
      if (newest) names.push(name)
    }
    return names
  }

  ready(): boolean {
    return true
  }

  #open(name: string): Channel {
    const channels = this.#channels.has(name) ? this.#channels : this.#silent
    const channel = channels.get(name) ?? {
      epoch: nanoid(),
      offset: 0,
      messages: [],
      times: [],
      first: 0,
      bytes: 0,
      newest: undefined,
      list: undefined,
      before: undefined,
      after: undefined,
    }
    this.#keep(channels, name, channel)
    return channel
  }

  /** Makes it the channel that was used last; beyond `maxChannels` the one that was silent longest goes. */
  #keep(channels: Map<string, Channel>, name: string, channel: Channel): void {
    channels.delete(name)
    channels.set(name, channel)
    if (channels.size <= this.#maxChannels) return
    const [[oldest, dropped]] = channels as unknown as [[string, Channel]]
    channels.delete(oldest)
    this.#dropHistory(dropped)
    this.#dropNewest(dropped)
  }

  #remember(channel: Channel, published: Published): void {
    // The newest message is counted with the history from now on.
    if (channel.list === this.#withNewestOnly) this.#dropNewest(channel)
    channel.newest = published
    channel.messages.push(published)
    channel.times.push(this.#now())
    const size = sizeOf(published)
    channel.bytes += size
    this.#bytes += size
    this.#withHistory.append(channel)
    this.#trim(channel)
    while (this.#bytes > this.#maxBytes) {
      const { first } = this.#withHistory
      if (first) this.#dropOldest(first)
      else this.#dropNewest(this.#withNewestOnly.first as Channel)
    }
    if (!this.#sweeper && this.#withHistory.first) this.#sweepLater()
  }

  /** Drops the oldest message of a history. The newest one of the channel is kept beside it. */
  #dropOldest(channel: Channel): void {
    const { messages, times } = channel
    const oldest = messages[channel.first] as Published
    messages[channel.first++] = undefined
    const left = messages.length - channel.first
    if (!left) return this.#dropHistory(channel)
    const size = sizeOf(oldest)
    channel.bytes -= size
    this.#bytes -= size
    // To move a history costs as much as it is long: done rarely, it costs little a message.
    if (channel.first < Math.max(MAX_EMPTY, left)) return
    channel.messages = messages.slice(channel.first)
    channel.times = times.slice(channel.first)
    channel.first = 0
  }

  #dropHistory(channel: Channel): void {
    if (channel.list !== this.#withHistory) return
    this.#withNewestOnly.append(channel)
    this.#bytes -= channel.bytes - (channel.newest ? sizeOf(channel.newest) : 0)
    channel.bytes = 0
    channel.messages = []
    channel.times = []
    channel.first = 0
  }

  #dropNewest(channel: Channel): void {
    channel.list?.remove(channel)
    if (channel.newest) this.#bytes -= sizeOf(channel.newest)
    channel.newest = undefined
  }

  #trim(channel: Channel): void {
    const tooOld = this.#now() - this.#ttlMs
    if ((channel.times.at(-1) as number) <= tooOld) return this.#dropHistory(channel)
    while (channel.messages.length - channel.first > this.#size) this.#dropOldest(channel)
    while ((channel.times[channel.first] as number) <= tooOld) this.#dropOldest(channel)
  }

  /** Drops old messages of all channels after a while, and again as long as there are any. */
  #sweepLater(): void {
    const everyMs = Math.min(Math.max(this.#ttlMs / 10, MIN_SWEEP_MS), MAX_SWEEP_MS)
    if (this.#ttlMs === Number.POSITIVE_INFINITY) return
    // The timer must not keep a broker alive that nobody uses any more.
    const broker = new WeakRef(this)
    this.#sweeper = setTimeout(() => {
      const alive = broker.deref()
      if (alive) alive.#sweep()
    }, everyMs)
    this.#sweeper.unref()
  }

  #sweep(): void {
    this.#sweeper = undefined
    for (let channel = this.#withHistory.first; channel; ) {
      const { after } = channel
      this.#trim(channel)
      channel = after
    }
    if (this.#withHistory.first) this.#sweepLater()
  }
}
