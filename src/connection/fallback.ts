/** What the connection needs of whatever carries messages while no WebSocket gets through. */
import type { Table } from './transitions.ts'

/** What polling tells the connection. */
export interface FallbackEvents {
  /** The URL that was dialed last; empty if none was. */
  dialedUrl(): string
  /** Polling is not allowed: HTTP 401 or 403, also with a new token. */
  onRefused(status: number): void
  /** There is nothing to poll. `instead`: what there is, if the status does not say it. */
  onMissing(status: number, instead: string): void
  /** A poll was answered after others had failed. `askedAt`: when it was sent, by the monotonic clock. */
  onRecovered(askedAt: number): void
  /** A request failed; the next one will come. */
  onFailed(error: unknown): void
  /** A request was answered: an error of polling that the snapshot shows is over. */
  onAnswered(): void
}

export interface Fallback {
  /** The states and transitions that it adds to, with those of the connection. */
  readonly table: Table
  /** As the user gave it, for messages. */
  readonly url: string
  readonly probeIntervalMs: number
  readonly afterMs: number | undefined
  /** Polls at once, then at its interval. */
  start(events: FallbackEvents): void
  stop(): void
  /** Polls at once, unless a poll is under way or the server asked to wait. */
  pollNow(): void
}
