/** `sessions()`: protocol v1. */
import { createChannels } from '../channels/channel.ts'
import type { SessionsPart } from '../client/parts.ts'
import { createSequence } from '../delivery/sequence.ts'
import type { Part } from '../options/part.ts'
import { createSessions } from '../protocol/v1/sessions.ts'

/**
 * Adds protocol v1 to `json()`: messages are sent effectively once and acknowledged, and channels go on where they were.
 * Without it every server is a plain one.
 */
export const sessions = (): Part<'sessions'> => {
  const part: SessionsPart = {
    name: 'sessions',
    createChannels,
    createSequence,
    createSessions,
  }
  return part
}
