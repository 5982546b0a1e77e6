/** How channels are named. Pure. */

/** 1 to 128 printable characters without blanks. */
const CHANNEL = /^[^\p{C}\p{Z}]{1,128}$/u

/** The longest name in UTF-16 units, of which a character has two at most. */
export const LONGEST_CHANNEL = 256

export const CHANNEL_WORDS = '1 to 128 printable characters without blanks'

export const isChannel = (name: unknown): name is string =>
  typeof name === 'string' && CHANNEL.test(name)
