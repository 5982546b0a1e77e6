/** Asks again for the messages of channels that are missing, once until there is an answer. */
import type { Channel, Channels } from '../../channels/channel.ts'

export interface ResubscribeDeps {
  readonly channels: Channels
  newId(): string
  /** Sends a `subscribe` with the positions of these channels, if there is a link for it. */
  send(id: string, names: readonly string[]): void
}

export interface Resubscribe {
  /** Asks for the missing messages of these channels, except where an answer is awaited. */
  ask(names: readonly string[]): void
  /** The server may have ignored a frame: asks again. */
  askAgain(): void
  /** The server has answered for a channel; `id` absent: to every frame. True if it answers a frame of this part. */
  answered(channel: Channel, id: string | undefined): boolean
  /** A link begins or ended: no answer is awaited. */
  cancel(): void
}

/** Characters of channels and positions in one frame, which servers may want to be small. */
const MAX_PART_LENGTH = 1500
const POSITION_LENGTH = 50

export const inParts = (names: readonly string[]): string[][] => {
  const parts: string[][] = []
  let room = 0
  for (const name of names) {
    room -= name.length + POSITION_LENGTH
    if (room <= 0) {
      parts.push([])
      room = MAX_PART_LENGTH - name.length - POSITION_LENGTH
    }
    parts.at(-1)?.push(name)
  }
  return parts
}

export const createResubscribe = ({ channels, newId, send }: ResubscribeDeps): Resubscribe => {
  const ask = (names: readonly string[]): void => {
    const due = names.filter(name => channels.of(name).resumeId === undefined)
    for (const part of inParts(due)) {
      const id = newId()
      for (const name of part) channels.of(name).resumeId = id
      send(id, part)
    }
  }

  const cancel = (): string[] => {
    const cancelled: string[] = []
    for (const channel of channels) {
      if (channel.resumeId === undefined) continue
      channel.resumeId = undefined
      cancelled.push(channel.name)
    }
    return cancelled
  }

  return {
    ask,
    askAgain: () => ask(cancel()),
    // The answer to an older frame may still come, to one without a position, say, while there is a cursor by now.
    answered(channel, id) {
      const { resumeId } = channel
      if (resumeId === undefined || (id !== undefined && id !== resumeId)) return false
      channel.resumeId = undefined
      return true
    },
    cancel: () => void cancel(),
  }
}
