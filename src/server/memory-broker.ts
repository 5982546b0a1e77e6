/** Channels in this process's memory. */
import { nanoid } from 'nanoid'
import type { WireMessage } from '../protocol/wire.ts'
import type { Broker, Deliver, History, Position, Publication, Published } from './broker.ts'
import { requireNumber } from './options.ts'
import { createMemorySessions, type Sessions } from './sessions.ts'

export interface MemoryBrokerOptions {
  /** Messages remembered per channel. @default 1000 */
  historySize?: number
  /** How long, in ms. @default 300000 */
  historyTtlMs?: number
  /** Channels remembered; the one that was silent longest goes. @default 10000 */
  maxChannels?: number
  /** The clock, ms since the epoch. @default Date.now */
  now?: () => number
}

interface Channel {
  readonly epoch: string
  offset: number
  readonly published: Published[]
  readonly times: number[]
}

/**
 * Its message is read from the text when somebody asks: the object that was published may be another one by then. A
 * class, since an object with a getter of its own would cost every publication more than all the rest.
 */
class Remembered implements Published {
  readonly channel: string
  readonly epoch: string
  readonly offset: number
  readonly text: string

  constructor(channel: string, epoch: string, offset: number, text: string) {
    this.channel = channel
    this.epoch = epoch
    this.offset = offset
    this.text = text
  }

  get message(): WireMessage {
    return JSON.parse(this.text)
  }
}

/** The default broker. Its histories, and with them the epochs, end with the process. */
export class MemoryBroker implements Broker {
  readonly sessions: Sessions
  readonly #size: number
  readonly #ttlMs: number
  readonly #maxChannels: number
  readonly #now: () => number
  readonly #channels = new Map<string, Channel>()
  /** Channels that were only asked for: whoever asks for many pushes none of the others out. */
  readonly #silent = new Map<string, Channel>()
  readonly #newest = new Map<string, Published>()
  readonly #attached = new Set<Deliver>()

  /** Throws a `TypeError` or `RangeError` that names a bad option. */
  constructor(options: MemoryBrokerOptions = {}) {
    const { historySize = 1000, historyTtlMs = 300_000, maxChannels = 10_000, now } = options
    requireNumber('historySize', historySize, 0)
    requireNumber('historyTtlMs', historyTtlMs, 0)
    requireNumber('maxChannels', maxChannels, 1)
    this.#size = historySize
    this.#ttlMs = historyTtlMs
    this.#maxChannels = maxChannels
    this.#now = now ?? Date.now
    this.sessions = createMemorySessions(this.#now)
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
    history.published.push(published)
    history.times.push(this.#now())
    this.#newest.set(channel, published)
    this.#trim(history)
    for (const deliver of [...this.#attached]) deliver(published)
    return { epoch, offset }
  }

  async history(channel: string, afterOffset = 0): Promise<History> {
    const history = this.#open(channel)
    this.#trim(history)
    const { epoch, offset, published } = history
    return { epoch, offset, messages: published.filter(each => each.offset > afterOffset) }
  }

  async newest(channel: string): Promise<Published | undefined> {
    return this.#newest.get(channel)
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
    return [...this.#newest.keys()].slice(0, limit)
  }

  ready(): boolean {
    return true
  }

  #open(name: string): Channel {
    const channels = this.#channels.has(name) ? this.#channels : this.#silent
    const channel = channels.get(name) ?? { epoch: nanoid(), offset: 0, published: [], times: [] }
    this.#keep(channels, name, channel)
    return channel
  }

  /** As the one used last; beyond the most, the one that was silent longest goes. */
  #keep(channels: Map<string, Channel>, name: string, channel: Channel): void {
    channels.delete(name)
    channels.set(name, channel)
    if (channels.size <= this.#maxChannels) return
    const [oldest] = channels.keys()
    channels.delete(oldest as string)
    this.#newest.delete(oldest as string)
  }

  #trim({ published, times }: Channel): void {
    const tooOld = this.#now() - this.#ttlMs
    let gone = Math.max(0, published.length - this.#size)
    while (gone < times.length && (times[gone] as number) <= tooOld) gone++
    published.splice(0, gone)
    times.splice(0, gone)
  }
}
