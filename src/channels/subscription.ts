/** The object that `subscribe()` returns: `ready`, async iteration, `unsubscribe()`. */
import type { Call } from '../shared/call.ts'
import type { Timers } from '../shared/timers.ts'
import type { Channels } from './channel.ts'
import type { ChannelGap, Member, SubscribeOptions } from './member.ts'
import { createReader, type Reader } from './reader.ts'
import { createReady } from './ready.ts'

/** Interest in one or more channels. */
export interface Subscription<Message> extends AsyncIterable<Message> {
  /** The channels, each once, in the order in which they were given. */
  readonly channels: readonly string[]
  /**
   * Resolves when a server that answers for channels (protocol v1) has confirmed them, and when any other was asked for
   * them. Rejects if the server refuses one of them, with the server's code (`FORBIDDEN` where it gives none), and with
   * `CLOSED` if the subscription or the client ends before that. Made when first read; an iteration that begins right
   * after it misses nothing.
   */
  readonly ready: Promise<void>
  /** Ends it. The client leaves each channel at the server once no other subscription listens to it. Idempotent. */
  unsubscribe(): void
  /** The same, for `using`. */
  [Symbol.dispose](): void
}

export interface SubscriptionDeps {
  readonly call: Call
  readonly channels: Channels
  readonly earlyReaders: EarlyReaders
  join(member: Member): void
  leave(member: Member): void
  /** Members whose `ready` waits for the server. */
  readonly awaiting: Set<Member>
  /** A reader was too slow, and its subscription has no `onGap`. */
  onGap(gap: ChannelGap): void
  /** A reader was too slow: it does not read this message. */
  onDropped(message: unknown): void
}

/** Readers that hold what comes between `ready` and the iteration after it: for one turn, since no iteration may follow. */
export interface EarlyReaders {
  /** Gives it up in the next turn, unless it has been taken. */
  keep(giveUp: () => void): void
}

export const createEarlyReaders = (timers: Timers): EarlyReaders => {
  let kept: (() => void)[] = []
  return {
    keep(giveUp) {
      if (kept.push(giveUp) > 1) return
      timers.set('early readers', 0, () => {
        const due = kept
        kept = []
        for (const each of due) each()
      })
    },
  }
}

const checkBufferSize = (size: unknown): void => {
  const isWhole = Number.isInteger(size) || size === Number.POSITIVE_INFINITY
  if (isWhole && (size as number) >= 1) return
  const isNumber = typeof size === 'number'
  const shown = isNumber || size === null ? size : `a ${typeof size}`
  const text = `subscribe.bufferSize: expected a whole number >= 1, got ${shown}`
  throw isNumber ? new RangeError(text) : new TypeError(text)
}

export const createSubscription = <Message>(
  deps: SubscriptionDeps,
  names: string | readonly string[],
  listener: ((message: Message, channel: string) => void) | undefined,
  { bufferSize = 1000, onGap, onRecovered }: SubscribeOptions,
): Subscription<Message> => {
  const channels = [...new Set([names].flat())]
  if (!channels[0] || channels.some(name => typeof name !== 'string' || !name)) {
    throw new TypeError(`subscribe: expected a channel or an array of them, got ${names}`)
  }
  checkBufferSize(bufferSize)
  const member: Member = {
    channels,
    listener,
    onGap,
    onRecovered,
    isActive: true,
    readers: undefined,
    ready: undefined,
  }
  /** Holds what comes between `ready` and the iteration after it. */
  let early: Reader<Message> | undefined
  deps.join(member)

  const newReader = (): Reader<Message> =>
    createReader<Message>({
      bufferSize,
      onStarted(reader) {
        if (!member.isActive) return reader.end()
        member.readers ??= new Set()
        member.readers.add(reader as Reader<unknown>)
      },
      onStopped: reader => void member.readers?.delete(reader as Reader<unknown>),
      onOverflow(channel, message, isNews) {
        deps.onDropped(message)
        if (!isNews) return
        const gap = { channel, reason: 'overflow' }
        if (onGap) deps.call(onGap, gap)
        else deps.onGap(gap)
      },
    })

  const giveUpEarly = (): void => {
    early?.iterator.return?.()
    early = undefined
  }

  const makeReady = (): Promise<void> => {
    const ready = createReady({
      names: channels,
      channels: deps.channels,
      isActive: () => member.isActive,
      onSettled(error) {
        deps.awaiting.delete(member)
        if (error) giveUpEarly()
        else if (early) deps.earlyReaders.keep(giveUpEarly)
      },
    })
    member.ready = ready
    if (!listener && !member.readers?.size) {
      early = newReader()
      early.start()
    }
    deps.awaiting.add(member)
    ready.restart()
    ready.check()
    return ready.promise
  }

  const unsubscribe = (): void => deps.leave(member)

  return {
    channels,
    get ready() {
      return member.ready?.promise ?? makeReady()
    },
    unsubscribe,
    [Symbol.dispose]: unsubscribe,
    [Symbol.asyncIterator]() {
      const { iterator } = early ?? newReader()
      early = undefined
      return iterator
    },
  }
}
