/** The newest message of each channel that a component listens to. */
import type { ResilientWebSocket } from 'resilient-websocket'
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
      if ([...shown.keys()].some(channel => !channels.includes(channel))) {
        show(new Map([...shown].filter(([channel]) => channels.includes(channel))))
      }
      const subscriptions = channels.map(channel =>
        socket.subscribe(channel, message => {
          fresh.set(channel, message)
          heard(message)
        }),
      )
      const stop = onWindow(socket, flush)
      return () => {
        stop()
        fresh.clear()
        for (const subscription of subscriptions) subscription.unsubscribe()
      }
    },
  }
}
