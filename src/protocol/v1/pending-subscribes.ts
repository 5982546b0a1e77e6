/** `subscribe` frames that the server has not answered yet. */
import type { Channels } from '../../channels/channel.ts'

export interface PendingSubscribes {
  /** A frame with this id asks for these channels. */
  add(id: string, names: readonly string[]): void
  /** Takes out a frame, with the channels that it named; none if no answer to it is awaited. */
  take(id: string | undefined): TakenSubscribe
  clear(): void
}

export interface TakenSubscribe {
  /** Channels that no later frame has named: this answer is the one that counts. */
  readonly newest: readonly string[]
  /** Channels that a later frame has named, answered or not. */
  readonly superseded: readonly string[]
}

/** A server may never answer: the oldest frame is given up. */
const MAX_PENDING = 1000

export const createPendingSubscribes = (channels: Channels): PendingSubscribes => {
  /** The channels of each frame, by its id. */
  const frames = new Map<string, readonly string[]>()
  return {
    add(id, names) {
      frames.set(id, names)
      for (const name of names) channels.of(name).pendingId = id
      const [oldest] = frames.keys()
      if (frames.size > MAX_PENDING) frames.delete(oldest as string)
    },
    take(id = '') {
      const newest: string[] = []
      const superseded: string[] = []
      for (const name of frames.get(id) ?? []) {
        const isNewest = channels.get(name)?.pendingId === id
        ;(isNewest ? newest : superseded).push(name)
      }
      frames.delete(id)
      return { newest, superseded }
    },
    clear: () => frames.clear(),
  }
}
