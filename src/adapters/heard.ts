/**
 * What a client has said last on each channel that somebody listens to: whoever comes later to a quiet
 * channel need not wait for its next message.
 */
import type { AnyClient } from './options.ts'

export interface Heard {
  /** Another one after the client has forgotten what it had received, for another identity. */
  epoch(): number
  newest(channel: string): unknown
  hear(channel: string, message: unknown): void
  /** Keeps the newest of these channels, until the returned function is called. `forget` runs with each epoch. */
  hold(channels: readonly string[], forget: () => void): () => void
}

const create = (socket: AnyClient): Heard => {
  const channels = new Map<string, { holders: number; newest?: unknown }>()
  const forgets = new Set<() => void>()
  let epoch = 0
  let received = socket.lastMessage !== null
  // As long as the client lives: what is forgotten while nobody listens must not come back either.
  socket.onChange(() => {
    const before = received
    received = socket.lastMessage !== null
    if (received || !before) return
    epoch++
    for (const channel of channels.values()) channel.newest = undefined
    for (const forget of [...forgets]) forget()
  })
  return {
    epoch: () => epoch,
    newest: channel => channels.get(channel)?.newest,
    hear(channel, message) {
      const known = channels.get(channel)
      if (known) known.newest = message
    },
    hold(names, forget) {
      for (const name of names) {
        const known = channels.get(name) ?? { holders: 0 }
        known.holders++
        channels.set(name, known)
      }
      forgets.add(forget)
      return () => {
        forgets.delete(forget)
        for (const name of names) {
          const known = channels.get(name)
          if (known && !--known.holders) channels.delete(name)
        }
      }
    },
  }
}

const known = new WeakMap<object, Heard>()

export const heardBy = (socket: AnyClient): Heard => {
  const heard = known.get(socket) ?? create(socket)
  known.set(socket, heard)
  return heard
}
