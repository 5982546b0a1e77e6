/** The interface of feeds: sources of messages that are published on a server. */
import type { Position, Publication } from '../broker/broker.ts'

/** Anything that publishes: a server, usually, or a broker. */
export interface Publisher {
  /** Publishes one message on a channel. */
  publish(channel: string, publication: Publication): Promise<Position>
}

/** A source of messages that runs until it is stopped. */
export interface Feed {
  /** Resolves when its source has ended, or it was stopped; rejects if the source cannot be read. */
  readonly ended: Promise<void>
  /** The number of messages that were published so far, failed ones included. */
  published(): number
  /** Ends it; nothing is published any more. Idempotent. */
  stop(): void
}
