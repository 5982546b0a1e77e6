/** `subscribe` frames that the server has not answered yet. */

export interface Questions {
  /** A frame with this id asks for these channels. */
  add(id: string, channels: readonly string[]): void
  /** What a frame had asked for, if it is waited for. */
  answered(id: string | undefined): Answered
  clear(): void
}

export interface Answered {
  /** Channels that nobody has asked for since. */
  readonly settled: readonly string[]
  /** Channels that a later frame asks for, too. */
  readonly askedAgain: readonly string[]
}

/** A server that never answers is not waited for without end. */
const MOST = 1000

export const createQuestions = (): Questions => {
  /** The channels of each frame, by its id. */
  const asked = new Map<string | undefined, readonly string[]>()
  /** The id of the newest frame that names a channel. */
  const newest = new Map<string, string | undefined>()

  const answered = (id: string | undefined): Answered => {
    const channels = asked.get(id) ?? []
    asked.delete(id)
    const settled = channels.filter(channel => newest.get(channel) === id)
    for (const channel of settled) newest.delete(channel)
    return { settled, askedAgain: channels.filter(channel => !settled.includes(channel)) }
  }

  return {
    add(id, channels) {
      asked.set(id, channels)
      for (const channel of channels) newest.set(channel, id)
      const [oldest] = asked.keys()
      if (asked.size > MOST) answered(oldest)
    },
    answered,
    clear() {
      asked.clear()
      newest.clear()
    },
  }
}
