/** Channels that the application listens to, counted, and told to the server again on every link. */

import type { Call } from '../client/emitter.ts'
import { ResilientWebSocketError } from '../errors.ts'
import { createReader, type Reader } from './reader.ts'

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
  /**
   * Messages that each async iteration holds for a slow reader, a whole number from 1; when there are more, the oldest
   * goes. The first one that goes makes one gap `overflow`, told to `onGap` of this subscription alone (without `onGap`
   * by a `gap` event), and what goes from then on belongs to it until the reader has read on. @default 1000
   */
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
  /** A reader was too slow, and its subscription has nobody who listens to gaps. */
  overflow(gap: ChannelGap): void
  /** A reader was too slow: it does not read this message. */
  dropped(message: unknown): void
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
  /** Another user: what waits for readers is forgotten. */
  reset(): void
  /** Ends all of them. */
  end(): void
}

/** Channels named in one frame, so that no frame grows past what servers take. */
const CHUNK = 100

interface Member<Message> {
  /** `user`: whose message it is. */
  hear?(message: Message, channel: string, user: number): void
  gap?(gap: ChannelGap): void
  recovered?(recovery: Recovery): void
  /** The server has answered for a channel, or was at least asked for it. */
  confirmed?(channel: string): void
  denied?(channel: string): void
  /** Everything is to be answered for anew. */
  unanswered?(): void
  reset?(): void
  end?(): void
}

/** Those who listen to a channel. One of a single member may be shared by many channels: it is not changed. */
interface Listeners<Message> {
  readonly members: Set<Member<Message>>
  /** The same, to be walked: a copy, since listeners may come and go meanwhile. Made when it is needed. */
  list: readonly Member<Message>[] | undefined
}

const BY_HAND: Member<never> = {}
const NOBODY: readonly never[] = []

const checkBufferSize = (size: unknown): void => {
  const whole = Number.isInteger(size) || size === Number.POSITIVE_INFINITY
  if (whole && (size as number) >= 1) return
  const isNumber = typeof size === 'number'
  const shown = isNumber || size === null ? size : `a ${typeof size}`
  const words = `subscribe.bufferSize: expected a whole number >= 1, got ${shown}`
  throw isNumber ? new RangeError(words) : new TypeError(words)
}

export const createSubscriptions = <Message>(hooks: SubscriptionsHooks): Subscriptions<Message> => {
  const wanted = new Map<string, Listeners<Message>>()
  /** What the server of this link was told. */
  const told = new Set<string>()
  /** What messages that wait will tell it, and how many of them. */
  const announced = new Map<string, number>()
  /** What it has answered for, or was at least asked for. */
  const confirmed = new Set<string>()
  /** What it has refused. */
  const denied = new Set<string>()
  const members = new Set<Member<Message>>()
  /** Those whose `ready` is not settled. */
  const pending = new Set<Member<Message>>()
  let readied = 0
  /** Nobody listens to these any more, unless somebody came within the turn. */
  const left = new Set<string>()
  /** What the server may have to be told of: never all channels for the sake of one. */
  const changed = new Set<string>()
  let open = false
  let confirms = false
  let scheduled = false

  const of = (channel: string): readonly Member<Message>[] => {
    const listeners = wanted.get(channel)
    if (!listeners) return NOBODY
    listeners.list ??= [...listeners.members]
    return listeners.list
  }

  const confirm = (channel: string): void => {
    confirmed.add(channel)
    denied.delete(channel)
    if (pending.size) for (const member of of(channel)) member.confirmed?.(channel)
  }

  const tell = (type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void => {
    for (let at = 0; at < channels.length; at += CHUNK) {
      hooks.tell(type, channels.slice(at, at + CHUNK))
    }
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
    const stale: string[] = []
    const fresh: string[] = []
    for (const channel of changed) {
      const isToldOf = told.has(channel)
      if (!open || announced.has(channel) || isToldOf === wanted.has(channel)) continue
      ;(isToldOf ? stale : fresh).push(channel)
    }
    // On the next link all are looked at anyway.
    changed.clear()
    for (const channel of stale) told.delete(channel)
    for (const channel of fresh) told.add(channel)
    if (!confirms) for (const channel of fresh) confirm(channel)
    tell('unsubscribe', stale)
    tell('subscribe', fresh)
  }

  const join = (channel: string, member: Member<Message>, alone: Listeners<Message>): void => {
    const known = wanted.get(channel)
    if (!known) wanted.set(channel, alone)
    else if (known.members.size > 1) {
      known.members.add(member)
      known.list = undefined
    } else wanted.set(channel, { members: new Set([...known.members, member]), list: undefined })
  }

  const leave = (channel: string, member: Member<Message>): void => {
    const known = wanted.get(channel)
    if (!known?.members.has(member)) return
    if (known.members.size > 1) {
      known.members.delete(member)
      known.list = undefined
    } else {
      wanted.delete(channel)
      left.add(channel)
    }
  }

  // What comes and goes within one turn (a component that remounts) is not worth a frame.
  const change = (add: boolean, channels: readonly string[], member: Member<Message>): void => {
    // One list for all: what messages of many channels have in common is found in the caches.
    const alone: Listeners<Message> = { members: new Set([member]), list: [member] }
    for (const channel of channels) {
      changed.add(channel)
      if (add) join(channel, member, alone)
      else leave(channel, member)
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
      checkBufferSize(bufferSize)
      /** One for each iteration under way. */
      const readers = new Set<Reader<Message>>()
      /** Holds what comes between `ready` and the iteration after it. */
      let early: Reader<Message> | undefined
      let active = true
      let ready: Promise<void> | undefined
      /** What `ready` waits for; `undefined`: nobody has asked, or it is settled. */
      let missing: Set<string> | undefined
      let settle = (_error?: ResilientWebSocketError): void => {}

      const newReader = (): Reader<Message> =>
        createReader<Message>({
          bufferSize,
          started(reader) {
            if (active) readers.add(reader)
            else reader.end()
          },
          stopped: reader => void readers.delete(reader),
          overflow(channel, message, isNews) {
            hooks.dropped(message)
            if (!isNews) return
            const gap = { channel, reason: 'overflow' }
            if (onGap) hooks.call(onGap, gap)
            else hooks.overflow(gap)
          },
        })

      const giveUpEarly = (): void => {
        early?.iterator.return?.()
        early = undefined
      }

      const look = (): void => {
        if (!missing) return
        const refused = channels.find(channel => denied.has(channel))
        if (!missing.size) settle()
        else if (refused !== undefined) {
          const text = `The server gives no '${refused}'`
          const facts = { channel: refused }
          settle(new ResilientWebSocketError('FORBIDDEN', text, undefined, facts))
        } else if (!active) {
          settle(new ResilientWebSocketError('CLOSED', 'The subscription ended'))
        }
      }

      const unanswered = (): void => {
        missing = new Set(channels.filter(channel => !confirmed.has(channel)))
      }

      const member: Member<Message> = {
        hear(message, channel, user) {
          // Another one's listener may have ended this one a moment ago.
          if (!active) return
          if (listener) hooks.call(listener, message, channel)
          // Nearly always nobody: not worth an iterator for each message.
          if (!readers.size) return
          for (const reader of readers) {
            // The listener, or who was told of a gap, may have said that the user is another one by now.
            if (user === hooks.user()) reader.push(message, channel)
          }
        },
        gap: gap => onGap && active && hooks.call(onGap, gap),
        recovered: recovery => onRecovered && active && hooks.call(onRecovered, recovery),
        confirmed(channel) {
          if (missing?.delete(channel) && !missing.size) look()
        },
        denied: look,
        unanswered,
        reset() {
          for (const reader of readers) reader.reset()
        },
        end() {
          active = false
          members.delete(member)
          look()
          for (const reader of readers) reader.end()
        },
      }
      members.add(member)
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
            settle = error => {
              missing = undefined
              pending.delete(member)
              if (error) {
                giveUpEarly()
                reject(error)
              } else {
                resolve()
                if (early) hooks.soon(`ready ${++readied}`, giveUpEarly)
              }
            }
            if (!listener && !readers.size) {
              early = newReader()
              early.start()
            }
            pending.add(member)
            unanswered()
            look()
          })
          return ready
        },
        unsubscribe,
        [Symbol.dispose]: unsubscribe,
        [Symbol.asyncIterator]() {
          const { iterator } = early ?? newReader()
          early = undefined
          return iterator
        },
      }
    },
    byHand(type, channels) {
      const adds = type === 'subscribe'
      const fresh = channels.filter(channel => !wanted.get(channel)?.members.has(BY_HAND))
      change(adds, channels, BY_HAND)
      for (const channel of channels) announced.set(channel, (announced.get(channel) ?? 0) + 1)
      return hasLeft => {
        for (const channel of channels) {
          const others = (announced.get(channel) ?? 0) - 1
          if (others > 0) announced.set(channel, others)
          else announced.delete(channel)
          changed.add(channel)
          if (!hasLeft) continue
          told.delete(channel)
          if (!adds || (confirms && !confirmed.has(channel))) continue
          told.add(channel)
          if (!confirms) confirm(channel)
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
        if (user === hooks.user()) member.hear?.(message, channel, user)
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
    confirm,
    deny(channel) {
      denied.add(channel)
      for (const member of of(channel)) member.denied?.(channel)
    },
    open(already, asksAll) {
      open = true
      told.clear()
      for (const channel of already) told.add(channel)
      confirms = asksAll
      for (const channel of [...already, ...wanted.keys()]) changed.add(channel)
      sync()
    },
    repeat() {
      if (!confirms) return
      for (const channel of told) {
        if (confirmed.has(channel)) continue
        told.delete(channel)
        changed.add(channel)
      }
      sync()
    },
    close() {
      open = false
      confirmed.clear()
      denied.clear()
      for (const member of pending) member.unanswered?.()
    },
    reset() {
      for (const member of members) member.reset?.()
    },
    end() {
      for (const member of members) member.end?.()
      wanted.clear()
    },
  }
}
