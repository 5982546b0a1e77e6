/** `sessions()`: protocol v1. */
import { createChannels } from '../channels/channel.ts'
import type { SessionsPart } from '../client/parts.ts'
import { createSessionsHost } from '../client/sessions-host.ts'
import { createSequence } from '../delivery/sequence.ts'
import type { Part } from '../options/part.ts'

/**
 * Adds protocol v1 to `json()`: messages are sent effectively once and acknowledged, and channels go on where they were.
 * Without it every server is a plain one.
 */
export const sessions = (): Part<'sessions'> => {
  const part: SessionsPart = {
    name: 'sessions',
    createChannels,
    createSequence,
    createSessionsHost,
  }
  return part
}
