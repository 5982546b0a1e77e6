/** The newest message of each channel that a component listens to. */
import type { ResilientWebSocket } from 'resilient-websocket'
import type { AnyClient } from './options.ts'

/** The newest messages of one component. */
export interface ChannelStore<Incoming> {
  /** The same Map until something in it changes, at most once per batch window. */
  get(): ReadonlyMap<string, Incoming>
  /** Calls back after each change. Returns an idempotent unsubscribe. */
  subscribe(listener: () => void): () => void
  /** Subscribes to these channels, calling back with each message at once, until the returned function is called. */
  listen(
    channels: readonly string[],
    onMessage: (message: Incoming, channel: string) => void,
  ): () => void
}

/** The Map without any message, as a server renders it. */
export const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()

/** The name of a channel, or none yet. */
export type Channel = string | null | undefined | false

/** One channel or several; those that are not known yet are left out. */
export type Channels = Channel | readonly Channel[]

/** Each channel once. */
export const channelList = (channels: Channels): readonly string[] =>
  [...new Set([channels].flat().filter(Boolean))] as string[]

/** A component that listens to channels of a client. */
interface Listener {
  /** The newest message of a channel that it listens to; undefined where there is none. */
  newest(channel: string): unknown
  forget(): void
}

/** All components that listen to channels of one client: a later one gets the newest messages from the others. */
interface Listeners {
  readonly active: Set<Listener>
  /** Counts the resets of the client, also those that come while no component listens. */
  resets(): number
}

const listenersOfClients = new WeakMap<object, Listeners>()

const listenersOf = (socket: AnyClient): Listeners => {
  const known = listenersOfClients.get(socket)
  if (known) return known
  const active = new Set<Listener>()
  let resets = 0
  socket.on('reset', () => {
    resets++
    for (const listener of [...active]) listener.forget()
  })
  const listeners = { active, resets: () => resets }
  listenersOfClients.set(socket, listeners)
  return listeners
}

const sameMessages = (one: ReadonlyMap<string, unknown>, other: typeof one): boolean =>
  one.size === other.size && [...one].every(([name, message]) => other.get(name) === message)

/** Makes the store of one component; it listens to nothing before `listen()`. */
export const createChannelStore = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
): ChannelStore<Incoming> => {
  const callbacks = new Set<() => void>()
  /** Messages since the last batch. */
  const fresh = new Map<string, Incoming>()
  let shown: ReadonlyMap<string, Incoming> = NOTHING
  let resetsSeen: number | undefined

  const show = (next: ReadonlyMap<string, Incoming>): void => {
    shown = next
    for (const callback of [...callbacks]) callback()
  }

  const flush = (): void => {
    if (!fresh.size) return
    const next = new Map(shown)
    for (const [channel, message] of fresh) next.set(channel, message)
    fresh.clear()
    show(next)
  }

  const newest = (channel: string): Incoming | undefined => fresh.get(channel) ?? shown.get(channel)

  /** The newest message of each channel, as far as any component knows it. */
  const known = (channels: readonly string[], others: Set<Listener>): Map<string, Incoming> => {
    const messages = new Map<string, Incoming>()
    for (const channel of channels) {
      // A component that stayed subscribed knows better than this one, whose messages may be stale.
      const theirs = [...others].map(other => other.newest(channel)).find(Boolean)
      const message = (theirs as Incoming | undefined) ?? newest(channel)
      if (message !== undefined) messages.set(channel, message)
    }
    return messages
  }

  return {
    get: () => shown,
    subscribe(listener) {
      // One function may subscribe twice.
      const callback = (): void => listener()
      callbacks.add(callback)
      return () => void callbacks.delete(callback)
    },
    listen(channels, onMessage) {
      const { active, resets } = listenersOf(socket)
      const forget = (): void => {
        if (resetsSeen === resets()) return
        resetsSeen = resets()
        fresh.clear()
        if (shown.size) show(NOTHING)
      }
      forget()
      const messages = known(channels, active)
      fresh.clear()
      if (!sameMessages(messages, shown)) show(messages)
      const subscription =
        channels[0] !== undefined &&
        socket.subscribe(channels, (message, channel) => {
          fresh.set(channel, message)
          onMessage(message, channel)
        })
      const off = socket.on('batch', flush)
      const self = { newest, forget }
      active.add(self)
      return () => {
        off()
        active.delete(self)
        if (subscription) subscription.unsubscribe()
      }
    },
  }
}
