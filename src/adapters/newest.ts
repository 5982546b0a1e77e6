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
  listen(channels: readonly string[], heard: (message: Incoming) => void): () => void
}

/** What a server shows. */
export const NOTHING: ReadonlyMap<string, never> = new Map<string, never>()

/** One channel or several, each once. */
export const channelList = (channels: string | readonly string[]): readonly string[] => [
  ...new Set([channels].flat()),
]

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
    const next = new Map([...shown, ...fresh])
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
      const all = heardBy(socket)
      const forget = (): void => {
        if (epoch === all.epoch()) return
        epoch = all.epoch()
        fresh.clear()
        if (shown.size) show(NOTHING)
      }
      forget()
      const release = all.hold(channels, forget)
      const known = channels.map(channel => [channel, all.newest(channel)] as const)
      const next = new Map(
        [...shown, ...fresh, ...(known as [string, Incoming][])].filter(
          ([channel, message]) => message !== undefined && channels.includes(channel),
        ),
      )
      fresh.clear()
      if (
        next.size !== shown.size ||
        [...next].some(([name, message]) => shown.get(name) !== message)
      ) {
        show(next)
      }
      const subscriptions = channels.map(channel =>
        socket.subscribe(channel, message => {
          fresh.set(channel, message)
          all.hear(channel, message)
          heard(message)
        }),
      )
      const stop = onWindow(socket, flush)
      return () => {
        stop()
        release()
        for (const subscription of subscriptions) subscription.unsubscribe()
      }
    },
  }
}
