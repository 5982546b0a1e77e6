/** The channels of one connection: live messages after what was missed, each once and in order. */
import type { Broker, Position, Published } from '../broker/broker.ts'
import {
  type ChannelRecovery,
  type GapReason,
  type Recovered,
  recover,
} from '../broker/recovery.ts'
import type { Counters } from '../metrics.ts'

export interface ListeningHooks {
  readonly broker: Broker
  readonly counters: Counters
  /** Begins or ends to get what is published on a channel. */
  join(channel: string): void
  leave(channel: string): void
  deliver(text: string): void
  /** Of this channel messages may be left out. */
  conflates(channel: string): boolean
  /** Whatever is said now ends the connection. */
  isFull(): boolean
  /** What can wait had better do so, until there is room. */
  isBusy(): boolean
  room(): Promise<void>
  /** What was promised cannot be given: the broker is away. */
  failed(thrown: unknown): void
  /** The channel's history is another one from here on. */
  renewed(channel: string, verdict: ChannelRecovery): void
}

export interface Listening {
  has(channel: string): boolean
  channels(): readonly string[]
  /**
   * Listens from positions (`null`: from now on). First comes the answer with the verdicts, then what was missed, at
   * the pace of its reader, then what was published meanwhile. Resolves when the answer was given.
   */
  resume(
    positions: ReadonlyMap<string, Position | null>,
    answer: (verdicts: Record<string, ChannelRecovery>) => void,
  ): Promise<void>
  leave(channel: string): boolean
  /** The client has read something: what was left out for it may follow. */
  written(): void
  /** Something was published on one of the channels. */
  published(published: Published): void
  /**
   * The newest offset per channel, as the broker knows it: it may have lost the word of its last message
   * on the way to this server.
   */
  heads(): Promise<Record<string, number>>
  end(): void
}

interface Channel {
  /** Messages may be left out. */
  readonly conflates: boolean
  epoch: string | undefined
  offset: number
  /** What was published while history was being read. */
  held: Published[] | undefined
  /** The newest message that was left out. */
  leftOut: Published | undefined
}

/** Histories read for one client at a time: those of others come in between, however many channels it names. */
const MOST_READS = 10
/** More is dropped, which the client sees by the offsets and asks for. */
const MOST_HELD = 10_000

export const createListening = (hooks: ListeningHooks): Listening => {
  const { broker, counters, deliver } = hooks
  const channels = new Map<string, Channel>()
  /** Those of which messages were left out. */
  const behind = new Set<string>()
  let ended = false

  const open = (name: string): Channel => {
    const known = channels.get(name)
    if (known) return known
    const channel: Channel = {
      conflates: hooks.conflates(name),
      epoch: undefined,
      offset: 0,
      held: undefined,
      leftOut: undefined,
    }
    channels.set(name, channel)
    if (!ended) hooks.join(name)
    return channel
  }

  /** Everything up to this message is not given. */
  const skipTo = (
    name: string,
    channel: Channel,
    { epoch, offset }: Published,
    reason: GapReason,
  ): void => {
    const before = offset - 1
    hooks.renewed(name, { epoch, offset: before, recovered: false, replayed: 0, reason })
    channel.epoch = epoch
    channel.offset = before
  }

  const pass = (name: string, channel: Channel, published: Published): void => {
    const { epoch, offset, text } = published
    const renewed = channel.epoch !== undefined && channel.epoch !== epoch
    if (!renewed && offset <= channel.offset) return
    if (channel.conflates && (behind.has(name) || hooks.isFull())) {
      counters.conflated++
      behind.add(name)
      channel.leftOut = published
      return
    }
    if (renewed) skipTo(name, channel, published, 'epoch')
    channel.epoch = epoch
    channel.offset = offset
    deliver(text)
  }

  const catchUp = (name: string): void => {
    behind.delete(name)
    const channel = channels.get(name)
    const newest = channel?.leftOut
    if (!channel || !newest) return
    channel.leftOut = undefined
    counters.gaps++
    skipTo(name, channel, newest, channel.epoch === newest.epoch ? 'limit' : 'epoch')
    channel.offset = newest.offset
    deliver(newest.text)
  }

  const sendSnapshot = async (name: string, goesOn: () => boolean): Promise<void> => {
    const newest = await broker.newest(name)
    if (!newest || !goesOn()) return
    deliver(`{"type":"snapshot","channel":${JSON.stringify(name)},"data":${newest.text}}`)
  }

  const release = async (
    name: string,
    { recovery: verdict, messages }: Recovered,
    held: Published[],
  ): Promise<void> => {
    const channel = channels.get(name)
    if (channel?.held !== held) return
    /** Unless the channel was left, or asked for once more, meanwhile. */
    const goesOn = (): boolean => channels.get(name) === channel && channel.held === held
    counters.replayed += verdict.replayed
    if (!verdict.recovered) {
      counters.gaps++
      if (hooks.isBusy()) await hooks.room()
      await sendSnapshot(name, goesOn)
    }
    if (!goesOn()) return
    channel.epoch = verdict.epoch
    channel.offset = messages[0] ? messages[0].offset - 1 : verdict.offset
    // What is held may grow meanwhile, and an iteration sees that.
    for (const part of [messages, held]) {
      for (const each of part) {
        if (hooks.isBusy()) await hooks.room()
        if (!goesOn()) return
        pass(name, channel, each)
      }
    }
    channel.held = undefined
  }

  const recoverAll = async (
    positions: ReadonlyMap<string, Position | null>,
  ): Promise<readonly (readonly [string, Recovered])[]> => {
    const recoveries = new Map<string, Recovered>()
    const left = positions.entries()
    const readOn = async (): Promise<void> => {
      for (const [name, position] of left) {
        recoveries.set(name, await recover(broker, name, position))
      }
    }
    await Promise.all(Array.from({ length: MOST_READS }, readOn))
    return [...positions.keys()].map(name => [name, recoveries.get(name) as Recovered])
  }

  const releaseAll = async (
    recoveries: Iterable<readonly [string, Recovered]>,
    mine: ReadonlyMap<string, Published[]>,
  ): Promise<void> => {
    for (const [name, recovery] of recoveries)
      await release(name, recovery, mine.get(name) as Published[])
  }

  return {
    has: name => channels.has(name),
    channels: () => [...channels.keys()],
    async resume(positions, answer) {
      // Live first: what is published while history is read waits, and is compared with it.
      const mine = new Map<string, Published[]>()
      for (const name of positions.keys()) {
        const held: Published[] = []
        mine.set(name, held)
        open(name).held = held
        behind.delete(name)
      }
      try {
        const recoveries = await recoverAll(positions)
        answer(Object.fromEntries(recoveries.map(([name, { recovery }]) => [name, recovery])))
        // Behind this call: at its reader's pace that may take long, and what the client says is not to wait for it.
        releaseAll(recoveries, mine).catch(hooks.failed)
      } catch (thrown) {
        hooks.failed(thrown)
      }
    },
    leave(name) {
      if (!channels.delete(name)) return false
      behind.delete(name)
      hooks.leave(name)
      return true
    },
    written() {
      for (const name of behind) {
        if (hooks.isBusy()) return
        catchUp(name)
      }
    },
    published(published) {
      const { channel: name } = published
      const channel = channels.get(name)
      if (!channel) return
      if (!channel.held) pass(name, channel, published)
      else if (channel.held.length < MOST_HELD) channel.held.push(published)
    },
    async heads() {
      const heads = await broker.heads([...channels.keys()])
      return Object.fromEntries(
        [...heads].flatMap(([name, { epoch, offset }]) => {
          const channel = channels.get(name)
          return channel && !channel.held && !behind.has(name) && channel.epoch === epoch
            ? [[name, offset]]
            : []
        }),
      )
    },
    end() {
      ended = true
      for (const name of channels.keys()) hooks.leave(name)
      channels.clear()
    },
  }
}
