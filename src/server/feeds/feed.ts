/** What the two feeds have in common. */
import type { Position, Publication } from '../broker/broker.ts'

/** Anything that publishes: a server, usually. */
export interface Publisher {
  publish(channel: string, publication: Publication): Promise<Position>
}

/** A source of messages that runs until it is stopped. */
export interface Feed {
  /** Resolves when it has nothing more to say, or was stopped; rejects if its source breaks. */
  readonly ended: Promise<void>
  /** Messages published so far. */
  published(): number
  /** Idempotent. */
  stop(): void
}
