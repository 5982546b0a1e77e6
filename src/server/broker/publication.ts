/** Validates channel names and publications. */
import { CHANNEL_FORM, isChannel } from '../protocol/channel-name.ts'
import { MAX_TYPE_LENGTH } from '../protocol/parse.ts'
import { show } from '../validate.ts'

/** Channels that one client may subscribe to, and that one poll may name. */
export const MAX_CHANNELS = 1000

/** Throws a `TypeError` for a channel that no client could subscribe to, or a message that none could read. */
export const requirePublication = (channel: unknown, publication: unknown): void => {
  if (!isChannel(channel)) {
    throw new TypeError(`channel: expected ${CHANNEL_FORM}, got ${show(channel)}`)
  }
  if (typeof publication !== 'object' || !publication) {
    throw new TypeError(`publication: expected { type, data }, got ${show(publication)}`)
  }
  const { type } = publication as { type?: unknown }
  if (typeof type !== 'string' || !type || type.length > MAX_TYPE_LENGTH) {
    const expected = `a string of 1 to ${MAX_TYPE_LENGTH} characters`
    throw new TypeError(`type: expected ${expected}, got ${show(type)}`)
  }
}
