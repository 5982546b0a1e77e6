/** Channels that the application listens to, counted, and told to the server again on every link. */
import { ResilientWebSocketError } from '../errors.ts'
import type { Call } from '../events.ts'

/** Interest in one or more channels. */
export interface Subscription<Message> extends AsyncIterable<Message> {
  readonly channels: readonly string[]
  /**
   * Resolves when a server of protocol v1 has confirmed the channels, and when any other was asked for
   * them; rejects with `FORBIDDEN` if it answers for none of these channels or not for all, and with `CLOSED` if the
   * subscription or the client ends before that. Made when first read; an iteration that begins right after it
   * misses nothing.
   */
  readonly ready: Promise<void>
  /** Ends it. The server hears of it when nobody else listens to a channel. Idempotent. */
  unsubscribe(): void
  [Symbol.dispose](): void
}

export interface SubscribeOptions {
  /** Messages that async iteration holds for a slow reader; older ones go, with a `gap` event. @default 1000 */
  bufferSize?: number
  /** Messages of a channel may be missing: reload what you show of it. */
  onGap?: (gap: ChannelGap) => void
  /** Everything that was missed on a channel follows. */
  onRecovered?: (recovery: Recovery) => void
}

/** Messages of this channel may be missing. */
export interface ChannelGap {
  readonly channel: string
  /**
   * `epoch` (the server's history is another one), `trimmed` or `limit` (it does not reach back so far),
   * `ahead` (it has lost its end), `overflow` (a reader was too slow), `reconnected` (a server without
   * protocol v1: nobody can know).
   */
  readonly reason: string
}

/** Everything missed on this channel is replayed. */
export interface Recovery {
  readonly channel: string
  /** How many messages that are. */
  readonly replayed: number
}

export interface SubscriptionsHooks {
  readonly call: Call
  /** How many users there were. */
  user(): number
  /** Tells the server. */
  tell(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void
  /** Nobody listens to this channel any more. */
  forget(channel: string): void
  /** A reader was too slow. */
  overflow(channel: string): void
  /** Runs when this turn is over, unless the client ends before. */
  soon(name: string, run: () => void): void
}

export interface Subscriptions<Message> {
  subscribe(
    channels: string | readonly string[],
    listener?: (message: Message, channel: string) => void,
    options?: SubscribeOptions,
  ): Subscription<Message>
  /**
   * A `subscribe` or `unsubscribe` that the application sends by hand: the server hears of these channels by that
   * message. To be called back when it is settled: did it leave?
   */
  byHand(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): (hasLeft: boolean) => void
  deliver(channel: string, message: Message): void
  channels(): readonly string[]
  has(channel: string): boolean
  gap(gap: ChannelGap): void
  recovered(recovery: Recovery): void
  /** The server has answered for this channel. */
  confirm(channel: string): void
  /** The server was asked for this channel and gives it to nobody like us. */
  deny(channel: string): void
  /** A link is ready and knows of these channels; `confirms`: it answers for each. */
  open(told: readonly string[], confirms: boolean): void
  /** The server may not have heard of what it did not confirm. */
  repeat(): void
  /** The link is gone. */
  close(): void
  /** Ends all of them. */
  end(): void
}

/** Channels named in one frame, so that no frame grows past what servers take. */
const CHUNK = 100

interface Member<Message> {
  hear?(message: Message, channel: string): void
  gap?(gap: ChannelGap): void
  recovered?(recovery: Recovery): void
  check?(): void
  end?(): void
}

/** One who iterates. */
interface Reader<Message> {
  readonly buffer: Message[]
  wake(): void
}

const BY_HAND: Member<never> = {}

export const createSubscriptions = <Message>(hooks: SubscriptionsHooks): Subscriptions<Message> => {
  /** Each list is replaced and never changed: who walks it need not copy it. */
  const wanted = new Map<string, readonly Member<Message>[]>()
  /** What the server of this link was told. */
  let told: string[] = []
  /** What a message that waits will tell it. */
  const announced: string[] = []
  /** What it has answered for, or was at least asked for. */
  const confirmed = new Set<string>()
  /** What it has refused. */
  const denied = new Set<string>()
  let readied = 0
  /** Nobody listens to these any more, unless somebody came within the turn. */
  const left = new Set<string>()
  let open = false
  let confirms = false
  let scheduled = false

  const members = (): Set<Member<Message>> => new Set([...wanted.values()].flat())

  const of = (channel: string): readonly Member<Message>[] => wanted.get(channel) ?? []

  const check = (): void => {
    for (const member of members()) member.check?.()
  }

  const sync = (): void => {
    scheduled = false
    for (const channel of left) {
      if (wanted.has(channel)) continue
      confirmed.delete(channel)
      denied.delete(channel)
      hooks.forget(channel)
    }
    left.clear()
    if (!open) return
    const before = new Set([...told, ...announced])
    const stale = told.filter(channel => !wanted.has(channel) && !announced.includes(channel))
    const fresh = [...wanted.keys()].filter(channel => !before.has(channel))
    told = [...told.filter(channel => !stale.includes(channel)), ...fresh]
    if (!confirms) for (const channel of fresh) confirmed.add(channel)
    for (; stale.length; ) hooks.tell('unsubscribe', stale.splice(0, CHUNK))
    for (; fresh.length; ) hooks.tell('subscribe', fresh.splice(0, CHUNK))
    check()
  }

  // What comes and goes within one turn (a component that remounts) is not worth a frame.
  const change = (add: boolean, channels: readonly string[], member: Member<Message>): void => {
    // One list for all: what messages of many channels have in common is found in the caches.
    const alone = [member]
    for (const channel of channels) {
      const others = of(channel).filter(each => each !== member)
      if (add) wanted.set(channel, others.length ? [...others, member] : alone)
      else if (others.length) wanted.set(channel, others)
      else if (wanted.delete(channel)) left.add(channel)
    }
    if (scheduled) return
    scheduled = true
    queueMicrotask(sync)
  }

  return {
    subscribe(names, listener, { bufferSize = 1000, onGap, onRecovered } = {}) {
      const channels = [...new Set([names].flat())]
      if (!channels[0] || channels.some(name => typeof name !== 'string' || !name)) {
        throw new TypeError(`subscribe: expected a channel or an array of them, got ${names}`)
      }
      /** One for each iteration under way. */
      const readers = new Set<Reader<Message>>()
      /** Holds what comes between `ready` and the iteration after it. */
      let early: Reader<Message> | undefined
      let active = true
      let ready: Promise<void> | undefined
      let settle = (): void => {}

      const member: Member<Message> = {
        hear(message, channel) {
          // Another one's listener may have ended this one a moment ago.
          if (!active) return
          if (listener) hooks.call(listener, message, channel)
          // Nearly always nobody: not worth an iterator for each message.
          if (!readers.size) return
          for (const reader of readers) {
            const { buffer } = reader
            if (buffer.push(message) > bufferSize) {
              buffer.shift()
              hooks.overflow(channel)
            }
            reader.wake()
          }
        },
        gap: gap => onGap && active && hooks.call(onGap, gap),
        recovered: recovery => onRecovered && active && hooks.call(onRecovered, recovery),
        check: () => settle(),
        end() {
          active = false
          settle()
          for (const reader of readers) reader.wake()
        },
      }
      change(true, channels, member)

      const unsubscribe = (): void => {
        if (!active) return
        change(false, channels, member)
        member.end?.()
      }

      return {
        channels,
        get ready() {
          ready ??= new Promise((resolve, reject) => {
            const over = (): void => {
              if (early) readers.delete(early)
              early = undefined
            }
            settle = () => {
              const refused = channels.find(channel => denied.has(channel))
              if (channels.every(channel => confirmed.has(channel))) {
                resolve()
                hooks.soon(`ready ${++readied}`, over)
              } else if (refused !== undefined) {
                reject(new ResilientWebSocketError('FORBIDDEN', `The server gives no '${refused}'`))
              } else if (!active) {
                reject(new ResilientWebSocketError('CLOSED', 'The subscription ended'))
              } else return
              settle = () => {}
              if (refused !== undefined || !active) over()
            }
            if (!listener && !readers.size) {
              early = { buffer: [], wake() {} }
              readers.add(early)
            }
            settle()
          })
          return ready
        },
        unsubscribe,
        [Symbol.dispose]: unsubscribe,
        async *[Symbol.asyncIterator]() {
          const reader: Reader<Message> = early ?? { buffer: [], wake() {} }
          const { buffer } = reader
          early = undefined
          readers.add(reader)
          try {
            while (active || buffer.length) {
              if (buffer.length) yield buffer.shift() as Message
              else {
                await new Promise<void>(resolve => {
                  reader.wake = resolve
                })
              }
            }
          } finally {
            readers.delete(reader)
          }
        },
      }
    },
    byHand(type, channels) {
      const adds = type === 'subscribe'
      const fresh = channels.filter(channel => !of(channel).includes(BY_HAND))
      change(adds, channels, BY_HAND)
      announced.push(...channels)
      return hasLeft => {
        for (const channel of channels) {
          announced.splice(announced.indexOf(channel), 1)
          if (!hasLeft) continue
          told = told.filter(each => each !== channel)
          if (!adds || (confirms && !confirmed.has(channel))) continue
          told.push(channel)
          if (!confirms) confirmed.add(channel)
        }
        // What was refused is not wanted any more; what was left is told again if others listen to it.
        if (adds && !hasLeft) change(false, fresh, BY_HAND)
        sync()
      }
    },
    deliver(channel, message) {
      const user = hooks.user()
      for (const member of of(channel)) {
        // A listener may have said that the user is another one by now.
        if (user === hooks.user()) member.hear?.(message, channel)
      }
    },
    channels: () => [...wanted.keys()],
    has: channel => wanted.has(channel),
    gap(gap) {
      for (const member of of(gap.channel)) member.gap?.(gap)
    },
    recovered(recovery) {
      for (const member of of(recovery.channel)) member.recovered?.(recovery)
    },
    confirm(channel) {
      confirmed.add(channel)
      denied.delete(channel)
      for (const member of of(channel)) member.check?.()
    },
    deny(channel) {
      denied.add(channel)
      for (const member of of(channel)) member.check?.()
    },
    open(already, asksAll) {
      open = true
      told = [...already]
      confirms = asksAll
      sync()
    },
    repeat() {
      if (!confirms) return
      told = told.filter(channel => confirmed.has(channel))
      sync()
    },
    close() {
      open = false
      confirmed.clear()
      denied.clear()
    },
    end() {
      for (const member of members()) member.end?.()
      wanted.clear()
    },
  }
}
