/** Pings of this link that are not answered yet: the heartbeat's, and those that the application sends by hand. */

export interface Ping {
  readonly id: string
  readonly byHand: boolean
}

export interface Pings {
  sent(id: string, byHand: boolean): void
  /** Takes out the ping that a pong answers; the oldest one if the pong does not say which. */
  answered(id: string | undefined): Ping | undefined
  /** The link is gone: no pong follows. */
  clear(): void
}

/** Kept at most: a server may never answer. */
const MOST = 100

export const createPings = (): Pings => {
  /** By their ids, the oldest first. */
  const waiting = new Map<string, Ping>()
  return {
    sent(id, byHand) {
      // The heartbeat waits for its newest only: one that stayed without an answer would take the pong of the next.
      for (const each of waiting.values()) if (!byHand && !each.byHand) waiting.delete(each.id)
      waiting.set(id, { id, byHand })
      const [oldest] = waiting.keys()
      if (waiting.size > MOST) waiting.delete(oldest as string)
    },
    answered(id) {
      const [oldest] = waiting.keys()
      const name = id ?? oldest ?? ''
      const ping = waiting.get(name)
      waiting.delete(name)
      return ping
    },
    clear: () => waiting.clear(),
  }
}
