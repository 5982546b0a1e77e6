/** `subscribe` frames that the server has not answered yet. */

export interface Questions {
  /** A frame with this id asks for these channels. */
  add(id: string, channels: readonly string[]): void
  /** Takes out a frame, with what it had asked for; nothing if it is not waited for. */
  take(id: string | undefined): Question
  clear(): void
}

export interface Question {
  /** Channels that no later frame has named. */
  readonly newest: readonly string[]
  /** Channels that a later frame has named, answered or not. */
  readonly askedAgain: readonly string[]
}

/** Frames that are waited for at most: a server may never answer. */
const MOST = 1000

export const createQuestions = (): Questions => {
  /** The channels of each frame, by its id. */
  const asked = new Map<string, readonly string[]>()
  /** The id of the newest frame that names a channel. */
  const newestOf = new Map<string, string>()

  const take = (id = ''): Question => {
    const newest: string[] = []
    const askedAgain: string[] = []
    for (const channel of asked.get(id) ?? []) {
      const isNewest = newestOf.get(channel) === id
      ;(isNewest ? newest : askedAgain).push(channel)
    }
    asked.delete(id)
    for (const channel of newest) newestOf.delete(channel)
    return { newest, askedAgain }
  }

  return {
    add(id, channels) {
      asked.set(id, channels)
      for (const channel of channels) newestOf.set(channel, id)
      const [oldest] = asked.keys()
      if (asked.size > MOST) take(oldest)
    },
    take,
    clear() {
      asked.clear()
      newestOf.clear()
    },
  }
}
