/** The JSON envelope `{ type, data, timestamp, id }`: its messages, its options and its protocol. */
import { type EnvelopeHost, talkInEnvelopes } from './envelope-conversation.ts'
import type { Protocol } from './protocol.ts'

/** A message as it comes from the server. */
export interface IncomingEnvelope<Data = unknown> {
  readonly type: string
  readonly data?: Data
  /** Milliseconds since the epoch, for display; it orders nothing. */
  readonly timestamp?: number
  /** Names the message within its channel, unless it is empty: what comes twice is delivered once. */
  readonly id?: string
  readonly channel?: string
  readonly offset?: number
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}

/** A message as the application sends it. `id` and `timestamp` are added where they are missing. */
export interface OutgoingEnvelope<Data = unknown> {
  /**
   * Types of the protocol (`connection hello welcome ack nack skip subscribed unsubscribed authenticated pong error
   * reconnect`) are yours with a plain server only; one of protocol v1 is not sent them (`invalid`). A `ping` goes to
   * every server, and the `pong` that answers it reaches `message` and `request()`.
   */
  readonly type: string
  readonly data?: Data
  readonly timestamp?: number
  /** 1 to 64 characters, else a `TypeError`; names the message and stays the same on every retry. */
  readonly id?: string
}

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
  return { name, attach: host => talkInEnvelopes(host as EnvelopeHost, version) }
}
