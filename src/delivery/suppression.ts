/** Notices where most messages of a type are dropped, since their ids or offsets do not name them. */

export interface Suppression {
  /** A message of this type is delivered. */
  delivered(type: unknown): void
  /** One is not; `name`: what it was taken for the same by. */
  dropped(reason: string, message: unknown, name?: unknown): void
}

const REASONS = ['duplicate', 'belowCursor', 'aboveCursor', 'noCursor']
/**
 * So many messages of a type came at least. Offsets are not the next for a while whenever a message is lost, and a
 * server may say again after a reconnect what it had said.
 */
const LEAST = 100
/** The same where one id is used again and again. */
const LEAST_OF_ONE_NAME = 10
/** Types that are counted at most. */
const MOST_TYPES = 100

interface Tally {
  delivered: number
  dropped: number
  /** The name of the last one that was dropped. */
  name?: unknown
}

const describe = (reason: string, message: object, name: unknown): string => {
  if (reason === 'duplicate') {
    const shown = typeof name === 'string' ? `'${name}'` : name
    return `a message with the same id came before (the last: ${shown}). If the id does not name one message, set dedupe.key to what does, or dedupe: false`
  }
  const { channel, offset } = message as { readonly channel?: string; readonly offset?: number }
  return `their offset is not the next of the channel (the last: ${reason}, offset ${offset} of '${channel}'). A server that counts anew has to name another epoch`
}

/** Warns once. */
export const createSuppression = (warn: (message: string) => void): Suppression => {
  /** Types of which something was dropped: all others cost nothing. */
  const tallies = new Map<unknown, Tally>()
  let warned = false

  return {
    delivered(type) {
      if (!tallies.size) return
      const tally = tallies.get(type)
      if (tally) tally.delivered++
    },
    dropped(reason, message, name) {
      if (warned || !REASONS.includes(reason)) return
      const { type } = Object(message)
      // The first one of a type was delivered before anything could be counted.
      const tally: Tally = tallies.get(type) ?? { delivered: 1, dropped: 0 }
      if (tallies.size < MOST_TYPES) tallies.set(type, tally)
      tally.dropped++
      const least = name !== undefined && name === tally.name ? LEAST_OF_ONE_NAME : LEAST
      tally.name = name
      const came = tally.delivered + tally.dropped
      if (came < least || tally.dropped * 2 <= came) return
      warned = true
      tallies.clear()
      const what = typeof type === 'string' ? ` of type '${type}'` : ''
      warn(
        `${tally.dropped} of ${came} messages${what} were dropped: ${describe(reason, Object(message), name)}`,
      )
    },
  }
}
