/** The JSON envelope `{ type, data, timestamp, id }`: its options and its protocol. */
import { talkInEnvelopes } from './envelope-conversation.ts'
import type { EnvelopeHost } from './envelope-core.ts'
import type { IncomingEnvelope, OutgoingEnvelope } from './envelope-types.ts'
import type { Protocol } from './protocol.ts'

export interface EnvelopeOptions {
  /**
   * `'auto'` speaks protocol v1 with a server whose `connection` message says so, and waits up to 1 s for
   * that; a server that has spoken it once is expected to. `1` demands it from the start; `0` never waits and
   * never speaks it.
   * @default 'auto'
   */
  version?: 'auto' | 0 | 1
}

/** The JSON envelope. Exactly once per `id` from any server that sets ids; more from one that speaks protocol v1. */
export const envelope = (
  options: EnvelopeOptions = {},
): Protocol<IncomingEnvelope, OutgoingEnvelope> => {
  const { version = 'auto' } = options
  if (version !== 'auto' && version !== 0 && version !== 1) {
    throw new RangeError(`envelope.version: expected 'auto', 0 or 1, got ${version}`)
  }
  // Two that speak otherwise are named otherwise.
  const name = version === 'auto' ? 'envelope' : `envelope v${version}`
  return {
    name,
    channels: true,
    replies: true,
    polls: true,
    attach: host => talkInEnvelopes(host as EnvelopeHost, version),
  }
}
