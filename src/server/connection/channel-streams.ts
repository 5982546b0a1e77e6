/** The channels of one connection: replay first, then live messages. */
import type { Broker, Position, Published } from '../broker/broker.ts'
import { type ChannelRecovery, type Recovered, recover } from '../broker/recovery.ts'
import type { Counters } from '../metrics.ts'
import type { ServerSettings } from '../options.ts'
import { ChannelStream, type ConflatingStreams } from './channel-stream.ts'
import type { Peer } from './peer.ts'

/** The streams of all connections, by channel: publications are delivered to them. */
export interface ChannelRegistry {
  join(stream: ChannelStream): void
  leave(stream: ChannelStream): void
}

export interface ChannelStreamsDeps {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly counters: Counters
  readonly channels: ChannelRegistry
}

/** Histories read for one client at a time: those of other clients come in between, however many channels it names. */
const MAX_READS = 10

/** Histories of several channels, in the order of their names. */
const recoverAll = async (
  broker: Broker,
  positions: ReadonlyMap<string, Position | null>,
): Promise<readonly (readonly [string, Recovered])[]> => {
  const recovered = new Map<string, Recovered>()
  const rest = positions.entries()
  const readOn = async (): Promise<void> => {
    for (const [name, position] of rest) {
      recovered.set(name, await recover(broker, name, position))
    }
  }
  await Promise.all(Array.from({ length: MAX_READS }, readOn))
  return [...positions.keys()].map(name => [name, recovered.get(name) as Recovered])
}

export class ChannelStreams implements ConflatingStreams {
  readonly peer: Peer
  readonly counters: Counters
  readonly #deps: ChannelStreamsDeps
  readonly #onFailed: (error: unknown) => void
  #streams: Map<string, ChannelStream> | undefined
  /** Those of which messages were left out. */
  #conflating: Set<ChannelStream> | undefined
  #catchingUp = false
  #ended = false

  /** `onFailed`: the broker is away, and a subscription cannot go on. */
  constructor(deps: ChannelStreamsDeps, peer: Peer, onFailed: (error: unknown) => void) {
    this.#deps = deps
    this.peer = peer
    this.counters = deps.counters
    this.#onFailed = onFailed
  }

  has(name: string): boolean {
    return this.#streams?.has(name) === true
  }

  names(): readonly string[] {
    return [...(this.#streams?.keys() ?? [])]
  }

  /**
   * Subscribes from positions (`null`: from now on). First comes the answer, then the missed messages at the pace of
   * their reader, then those published meanwhile. Resolves when the answer was given.
   */
  async subscribeFrom(
    positions: ReadonlyMap<string, Position | null>,
    answer: (recoveries: Record<string, ChannelRecovery>) => void,
  ): Promise<void> {
    // Live first: what is published while the history is read waits, and is compared with it.
    const buffers = new Map<string, Published[]>()
    for (const name of positions.keys()) {
      const buffered: Published[] = []
      buffers.set(name, buffered)
      const stream = this.#open(name)
      stream.buffered = buffered
      this.#conflating?.delete(stream)
    }
    try {
      const recovered = await recoverAll(this.#deps.broker, positions)
      answer(Object.fromEntries(recovered.map(([name, { recovery }]) => [name, recovery])))
      // Not awaited: a replay at the pace of its reader may take long, and the client's next message must not wait for it.
      this.#replayAll(recovered, buffers).catch(this.#onFailed)
    } catch (error) {
      this.#onFailed(error)
    }
  }

  /** False if it was not subscribed. */
  leave(name: string): boolean {
    const stream = this.#streams?.get(name)
    if (!stream) return false
    this.#streams?.delete(name)
    this.#conflating?.delete(stream)
    this.#deps.channels.leave(stream)
    return true
  }

  /** The newest offset of each channel, as the broker knows it: the server may have missed the last publication. */
  async heads(): Promise<Record<string, number>> {
    if (!this.#streams?.size) return {}
    const heads = await this.#deps.broker.heads(this.names())
    return Object.fromEntries(
      [...heads].flatMap(([name, { epoch, offset }]) =>
        this.#streams?.get(name)?.isLiveIn(epoch) ? [[name, offset]] : [],
      ),
    )
  }

  isConflating(stream: ChannelStream): boolean {
    return this.#conflating?.has(stream) === true
  }

  conflate(stream: ChannelStream): void {
    this.#conflating ??= new Set()
    this.#conflating.add(stream)
    if (this.#catchingUp) return
    this.#catchUpWhenDrained(this.#conflating)
  }

  end(): void {
    this.#ended = true
    for (const stream of this.#streams?.values() ?? []) this.#deps.channels.leave(stream)
    this.#streams = undefined
    this.#conflating?.clear()
  }

  #open(name: string): ChannelStream {
    const known = this.#streams?.get(name)
    if (known) return known
    const stream = new ChannelStream(this, name, this.#deps.settings.conflate(name))
    this.#streams ??= new Map()
    this.#streams.set(name, stream)
    if (!this.#ended) this.#deps.channels.join(stream)
    return stream
  }

  #catchUpWhenDrained(conflating: Set<ChannelStream>): void {
    const { buffer } = this.peer
    this.#catchingUp = true
    buffer.whenDrained(() => {
      this.#catchingUp = false
      for (const stream of conflating) {
        if (buffer.aboveLowWater()) return this.#catchUpWhenDrained(conflating)
        conflating.delete(stream)
        stream.catchUp()
      }
    })
  }

  async #replayAll(
    recovered: Iterable<readonly [string, Recovered]>,
    buffers: ReadonlyMap<string, Published[]>,
  ): Promise<void> {
    for (const [name, each] of recovered) {
      await this.#replay(name, each, buffers.get(name) as Published[])
    }
  }

  async #replay(
    name: string,
    { recovery, messages }: Recovered,
    buffered: Published[],
  ): Promise<void> {
    const stream = this.#streams?.get(name)
    /** False once the channel was left, or subscribed again. */
    const goesOn = (): boolean =>
      this.#streams?.get(name) === stream && stream?.buffered === buffered
    if (!stream || !goesOn()) return
    this.counters.replayed += recovery.replayed
    if (!recovery.recovered) {
      this.counters.gaps++
      if (this.peer.buffer.aboveLowWater()) await this.peer.buffer.drained()
      await this.#sendSnapshot(name, goesOn)
    }
    if (!goesOn()) return
    const first = messages[0]
    stream.startAfter(recovery.epoch, first ? first.offset - 1 : recovery.offset)
    // More may be buffered meanwhile, which this iteration sees.
    for (const part of [messages, buffered]) {
      for (const each of part) {
        if (this.peer.buffer.aboveLowWater()) await this.peer.buffer.drained()
        if (!goesOn()) return
        stream.deliverInOrder(each)
      }
    }
    stream.buffered = undefined
  }

  async #sendSnapshot(name: string, goesOn: () => boolean): Promise<void> {
    const newest = await this.#deps.broker.newest(name)
    if (!newest || !goesOn()) return
    const text = `{"type":"snapshot","channel":${JSON.stringify(name)},"data":${newest.text}}`
    this.peer.deliver(Buffer.from(text))
  }
}
