/** What may be published, and what is said to who tries something else. */
import { CHANNEL_WORDS, isChannel } from '../protocol/channel-name.ts'
import { LONGEST_TYPE } from '../protocol/parse.ts'
import { show } from '../validate.ts'

/** Channels that one client may hear, and one poll may ask for. */
export const MOST_CHANNELS = 1000

/** Throws a `TypeError` for what no client could subscribe to, or read. */
export const requirePublication = (channel: unknown, publication: unknown): void => {
  if (!isChannel(channel)) {
    throw new TypeError(`channel: expected ${CHANNEL_WORDS}, got ${show(channel)}`)
  }
  if (typeof publication !== 'object' || !publication) {
    throw new TypeError(`publication: expected { type, data }, got ${show(publication)}`)
  }
  const { type } = publication as { type?: unknown }
  if (typeof type !== 'string' || !type || type.length > LONGEST_TYPE) {
    const expected = `a string of 1 to ${LONGEST_TYPE} characters`
    throw new TypeError(`type: expected ${expected}, got ${show(type)}`)
  }
}
