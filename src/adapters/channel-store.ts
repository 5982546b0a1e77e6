/** The newest message of each channel that a component listens to. */
import type { ResilientWebSocket } from 'resilient-websocket'
import { heardBy } from './heard.ts'
import { onWindow } from './window.ts'

export interface NewestStore<Incoming> {
  /** The same Map until something in it changes, at most once per batch window. */
  get(): ReadonlyMap<string, Incoming>
  /** Returns an idempotent unsubscribe. */
  subscribe(listener: () => void): () => void
  /** Subscribes to these channels, calling back with each message at once, until the returned function is called. */
  listen(
    channels: readonly string[],
    heard: (message: Incoming, channel: string) => void,
  ): () => void
}

/** What a server shows. */
export const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()

/** The name of a channel, or none yet. */
export type Channel = string | null | undefined | false

/** One channel or several; what is not known yet is left out. */
export type Channels = Channel | readonly Channel[]

/** Each channel once. */
export const channelList = (channels: Channels): readonly string[] =>
  [...new Set([channels].flat().filter(Boolean))] as string[]

export const createNewest = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
): NewestStore<Incoming> => {
  const listeners = new Set<() => void>()
  const fresh = new Map<string, Incoming>()
  let shown: ReadonlyMap<string, Incoming> = NOTHING

  const show = (next: ReadonlyMap<string, Incoming>): void => {
    shown = next
    for (const listener of [...listeners]) listener()
  }

  let epoch: number | undefined

  const flush = (): void => {
    if (!fresh.size) return
    const next = new Map(shown)
    for (const [channel, message] of fresh) next.set(channel, message)
    fresh.clear()
    show(next)
  }

  return {
    get: () => shown,
    subscribe(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
    listen(channels, heard) {
      const { epoch: now, listeners: others } = heardBy(socket)
      const forget = (): void => {
        if (epoch === now()) return
        epoch = now()
        fresh.clear()
        if (shown.size) show(NOTHING)
      }
      forget()
      const newest = (channel: string): Incoming | undefined =>
        fresh.get(channel) ?? shown.get(channel)
      const next = new Map<string, Incoming>()
      for (const channel of channels) {
        // Who has listened all the time knows better than what was shown here before.
        const known = [...others].map(other => other.newest(channel)).find(Boolean)
        const message = (known as Incoming | undefined) ?? newest(channel)
        if (message !== undefined) next.set(channel, message)
      }
      fresh.clear()
      if (
        next.size !== shown.size ||
        [...next].some(([name, message]) => shown.get(name) !== message)
      ) {
        show(next)
      }
      const subscription =
        channels[0] !== undefined &&
        socket.subscribe(channels, (message, channel) => {
          fresh.set(channel, message)
          heard(message, channel)
        })
      const stop = onWindow(socket, flush)
      const self = { newest, forget }
      others.add(self)
      return () => {
        stop()
        others.delete(self)
        if (subscription) subscription.unsubscribe()
      }
    },
  }
}
