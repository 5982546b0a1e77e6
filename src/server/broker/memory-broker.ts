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
import { createMemorySessions, type Sessions } from './session-store.ts'
import { Remembered } from './stored-message.ts'

export interface MemoryBrokerOptions {
  /** Messages remembered per channel. @default 1000 */
  historySize?: number
  /** How long, in ms; then they are let go, whether or not anybody asks. @default 300000 */
  historyTtlMs?: number
  /**
   * Bytes remembered of all channels together: the JSON of each message, and 150 for what surrounds it. Beyond them the
   * channel that was published on least recently forgets first, its oldest message first; a subscriber that comes back for
   * one of these is told a gap (`trimmed`). The newest message of each channel goes last. @default 134217728 (128 MiB)
   */
  maxHistoryBytes?: number
  /** Channels remembered; the one that was silent longest goes. @default 10000 */
  maxChannels?: number
  /** The clock, ms since the epoch. @default Date.now */
  now?: () => number
}

interface Channel extends Linked<Channel> {
  readonly epoch: string
  offset: number
  /** Oldest first; those before `first` have been let go. */
  messages: (Published | undefined)[]
  times: number[]
  first: number
  /** Of the messages from `first` on. */
  bytes: number
  newest: Published | undefined
}

/** Measured: objects, arrays and strings around a short message. */
const OVERHEAD_BYTES = 150
/** Let go are looked for so often, in ms, or ten times in their time to live. */
const MOST_OFTEN_MS = 1000
const LEAST_OFTEN_MS = 30_000
/** Places at the front of a history that are free before it is moved. */
const FREE_PLACES = 64

const sizeOf = ({ text }: Published): number => Buffer.byteLength(text) + OVERHEAD_BYTES

/** The default broker. Its histories, and with them the epochs, end with the process. */
export class MemoryBroker implements Broker {
  readonly sessions: Sessions
  readonly #size: number
  readonly #ttlMs: number
  readonly #maxBytes: number
  readonly #maxChannels: number
  readonly #now: () => number
  readonly #channels = new Map<string, Channel>()
  /** Channels that were only asked for: whoever asks for many pushes none of the others out. */
  readonly #silent = new Map<string, Channel>()
  /** Those with a history, the one that was published on least recently first. */
  readonly #remembering = new LinkedList<Channel>()
  /** Those of whose messages only the newest is left. */
  readonly #resting = new LinkedList<Channel>()
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

  /** Bytes remembered now, as `maxHistoryBytes` counts them. */
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
    // What throws here leaves no hole behind.
    const text = JSON.stringify({ type, data, timestamp, id, channel, offset })
    history.offset = offset
    if (this.#silent.delete(channel)) this.#keep(this.#channels, channel, history)
    const published = new Remembered(channel, epoch, offset, text)
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

  /** As the one used last; beyond the most, the one that was silent longest goes. */
  #keep(channels: Map<string, Channel>, name: string, channel: Channel): void {
    channels.delete(name)
    channels.set(name, channel)
    if (channels.size <= this.#maxChannels) return
    const [[oldest, gone]] = channels as unknown as [[string, Channel]]
    channels.delete(oldest)
    this.#letGoAll(gone)
    this.#forgetNewest(gone)
  }

  #remember(channel: Channel, published: Published): void {
    // In the history it is counted there.
    if (channel.list === this.#resting) this.#forgetNewest(channel)
    channel.newest = published
    channel.messages.push(published)
    channel.times.push(this.#now())
    const size = sizeOf(published)
    channel.bytes += size
    this.#bytes += size
    this.#remembering.append(channel)
    this.#trim(channel)
    while (this.#bytes > this.#maxBytes) {
      const { first } = this.#remembering
      if (first) this.#letGo(first)
      else this.#forgetNewest(this.#resting.first as Channel)
    }
    if (!this.#sweeper && this.#remembering.first) this.#sweepLater()
  }

  /** Takes the oldest message out of a history. The newest of the channel is kept for itself. */
  #letGo(channel: Channel): void {
    const { messages, times } = channel
    const oldest = messages[channel.first] as Published
    messages[channel.first++] = undefined
    const left = messages.length - channel.first
    if (!left) return this.#letGoAll(channel)
    const size = sizeOf(oldest)
    channel.bytes -= size
    this.#bytes -= size
    // To move a history costs as much as it is long: rarely enough to cost nothing.
    if (channel.first < Math.max(FREE_PLACES, left)) return
    channel.messages = messages.slice(channel.first)
    channel.times = times.slice(channel.first)
    channel.first = 0
  }

  #letGoAll(channel: Channel): void {
    if (channel.list !== this.#remembering) return
    this.#resting.append(channel)
    this.#bytes -= channel.bytes - (channel.newest ? sizeOf(channel.newest) : 0)
    channel.bytes = 0
    channel.messages = []
    channel.times = []
    channel.first = 0
  }

  #forgetNewest(channel: Channel): void {
    channel.list?.remove(channel)
    if (channel.newest) this.#bytes -= sizeOf(channel.newest)
    channel.newest = undefined
  }

  #trim(channel: Channel): void {
    const tooOld = this.#now() - this.#ttlMs
    if ((channel.times.at(-1) as number) <= tooOld) return this.#letGoAll(channel)
    while (channel.messages.length - channel.first > this.#size) this.#letGo(channel)
    while ((channel.times[channel.first] as number) <= tooOld) this.#letGo(channel)
  }

  /** Lets go what is too old in all channels, and again as long as something is remembered. */
  #sweepLater(): void {
    const everyMs = Math.min(Math.max(this.#ttlMs / 10, MOST_OFTEN_MS), LEAST_OFTEN_MS)
    if (this.#ttlMs === Number.POSITIVE_INFINITY) return
    // A broker that nobody holds any more is not held by its timer.
    const broker = new WeakRef(this)
    this.#sweeper = setTimeout(() => {
      const held = broker.deref()
      if (held) held.#sweep()
    }, everyMs)
    this.#sweeper.unref()
  }

  #sweep(): void {
    this.#sweeper = undefined
    for (let channel = this.#remembering.first; channel; ) {
      const { after } = channel
      this.#trim(channel)
      channel = after
    }
    if (this.#remembering.first) this.#sweepLater()
  }
}
