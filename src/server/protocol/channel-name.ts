/** The names of channels. Pure. */

/** 1 to 128 printable characters without blanks. */
const CHANNEL = /^[^\p{C}\p{Z}]{1,128}$/u

/** The longest name in UTF-16 units, of which a character has two at most. */
export const MAX_CHANNEL_LENGTH = 256

/** The rule of a name, for error messages. */
export const CHANNEL_FORM = '1 to 128 printable characters without blanks'

export const isChannel = (name: unknown): name is string =>
  typeof name === 'string' && CHANNEL.test(name)
