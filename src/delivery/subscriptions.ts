/** Channels that the application listens to, counted, and told to the server again on every link. */
import { ResilientWebSocketError } from '../errors.ts'
import type { Call } from '../events.ts'

/** Interest in one or more channels. */
export interface Subscription<Message> extends AsyncIterable<Message> {
  readonly channels: readonly string[]
  /**
   * Resolves when the server was asked for the channels on a link where messages flow; rejects if
   * the subscription or the client ends before that. Made when first read.
   */
  readonly ready: Promise<void>
  /** Ends it. The server hears of it when nobody else listens to a channel. Idempotent. */
  unsubscribe(): void
  [Symbol.dispose](): void
}

export interface SubscribeOptions {
  /** Messages that async iteration holds for a slow reader; older ones go, with a `gap` event. @default 1000 */
  bufferSize?: number
}

export interface SubscriptionsHooks {
  readonly call: Call
  /** Tells the server. */
  tell(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void
  /** A reader was too slow. */
  overflow(channel: string): void
}

export interface Subscriptions<Message> {
  subscribe(
    channels: string | readonly string[],
    listener?: (message: Message) => void,
    options?: SubscribeOptions,
  ): Subscription<Message>
  /** A `subscribe` or `unsubscribe` that the application sent by hand. */
  byHand(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void
  deliver(channel: string, message: Message): void
  channels(): readonly string[]
  /** A link is ready and knows of no channel yet. */
  open(): void
  /** The link is gone. */
  close(): void
  /** Ends all of them. */
  end(): void
}

/** Channels named in one frame, so that no frame grows past what servers take. */
const CHUNK = 100

interface Member<Message> {
  hear?(message: Message, channel: string): void
  asked?(): void
  end?(): void
}

const BY_HAND: Member<never> = {}

export const createSubscriptions = <Message>(hooks: SubscriptionsHooks): Subscriptions<Message> => {
  const wanted = new Map<string, Set<Member<Message>>>()
  /** What the server of this link was told. */
  let told: string[] = []
  let open = false
  let scheduled = false

  const members = (): Set<Member<Message>> => new Set([...wanted.values()].flatMap(set => [...set]))

  const sync = (): void => {
    scheduled = false
    if (!open) return
    const before = new Set(told)
    const stale = told.filter(channel => !wanted.has(channel))
    told = [...wanted.keys()]
    const fresh = told.filter(channel => !before.has(channel))
    for (; stale.length; ) hooks.tell('unsubscribe', stale.splice(0, CHUNK))
    for (; fresh.length; ) hooks.tell('subscribe', fresh.splice(0, CHUNK))
    for (const member of members()) member.asked?.()
  }

  // What comes and goes within one turn (a component that remounts) is not worth a frame.
  const change = (add: boolean, channels: readonly string[], member: Member<Message>): void => {
    for (const channel of channels) {
      const set = wanted.get(channel) ?? new Set()
      if (add) wanted.set(channel, set.add(member))
      else if (set.delete(member) && !set.size) wanted.delete(channel)
    }
    if (scheduled) return
    scheduled = true
    queueMicrotask(sync)
  }

  return {
    subscribe(names, listener, { bufferSize = 1000 } = {}) {
      const channels = [...new Set([names].flat())]
      if (!channels[0] || channels.some(name => typeof name !== 'string')) {
        throw new TypeError(`subscribe: expected a channel or an array of them, got ${names}`)
      }
      const buffer: Message[] = []
      let iterating = false
      let active = true
      let asked = false
      let ready: Promise<void> | undefined
      let wake = (): void => {}
      let settle = (): void => {}

      const member: Member<Message> = {
        hear(message, channel) {
          if (listener) hooks.call(listener, message)
          if (!iterating) return
          if (buffer.push(message) > bufferSize) {
            buffer.shift()
            hooks.overflow(channel)
          }
          wake()
        },
        asked() {
          asked = true
          settle()
        },
        end() {
          active = false
          settle()
          wake()
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
            settle = () => {
              if (asked) resolve()
              else if (!active)
                reject(new ResilientWebSocketError('CLOSED', 'The subscription ended'))
            }
            settle()
          })
          return ready
        },
        unsubscribe,
        [Symbol.dispose]: unsubscribe,
        async *[Symbol.asyncIterator]() {
          iterating = true
          try {
            while (active || buffer.length) {
              if (buffer.length) yield buffer.shift() as Message
              else {
                await new Promise<void>(resolve => {
                  wake = resolve
                })
              }
            }
          } finally {
            iterating = false
          }
        },
      }
    },
    byHand: (type, channels) => change(type === 'subscribe', channels, BY_HAND),
    deliver(channel, message) {
      const set = wanted.get(channel)
      if (set) for (const member of set.size > 1 ? [...set] : set) member.hear?.(message, channel)
    },
    channels: () => [...wanted.keys()],
    open() {
      open = true
      told = []
      sync()
    },
    close() {
      open = false
    },
    end() {
      for (const member of members()) member.end?.()
      wanted.clear()
    },
  }
}
