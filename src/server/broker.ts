/** Where channels live: what a server needs of a store, so that several servers can share one. */
import type { WireMessage } from '../protocol/wire-types.ts'
import type { Sessions } from './sessions.ts'

/** A place in a channel's history. */
export interface Position {
  /** The random name of one history; another one means that offsets began anew. */
  readonly epoch: string
  /** 1, 2, 3, ... within the epoch; 0 before the first message. */
  readonly offset: number
}

/** A message as it was published. */
export interface Published extends Position {
  readonly channel: string
  readonly message: WireMessage
  /** The message as JSON, made once for all who get it. */
  readonly text: string
}

/** What a channel remembers. */
export interface History extends Position {
  /** Oldest first, without a hole, ending at `offset`; see `HistoryQuery` for what may be left out. */
  readonly messages: readonly Published[]
  /** The offset of the oldest message that is remembered, where messages were left out for their number. */
  readonly oldest?: number
}

/** Bounds on what a history is asked for. A broker that knows none of them may ignore them: it only does more. */
export interface HistoryQuery {
  /** Without messages if the history has another epoch. @default any */
  readonly epoch?: string
  /** Without messages if there would be more; see `History.oldest`. @default Infinity */
  readonly limit?: number
}

/** What is published: a message without the fields that the broker gives. */
export interface Publication {
  readonly type: string
  readonly data?: unknown
  /** Given if missing. */
  readonly id?: string
  /** Milliseconds since the epoch; now if missing. */
  readonly timestamp?: number
}

/** Called with every message that was published, in the order of its channel. */
export type Deliver = (published: Published) => void

/** Why a broker could not do what it was asked for. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  /**
   * `away`: nothing was done. `unknown`: the connection was lost before the answer, and it may have been done;
   * a message that is published once more under the same `id` reaches no client twice.
   */
  readonly code: 'away' | 'unknown'
  constructor(code: 'away' | 'unknown', message: string) {
    super(message)
    this.code = code
  }
}

/** Called when another server has taken over an incarnation of a session (its key, a blank, its `tok`) with this `gen`. */
export type Taken = (incarnation: string, gen: number) => void

/** A store of channels. `test/server/broker-contract.ts` says what every one of them keeps. */
export interface Broker {
  /**
   * Begins to deliver; returns what ends it. `taken` is told of sessions that went on to servers of other
   * processes.
   */
  attach(deliver: Deliver, taken?: Taken): Promise<() => Promise<void>>
  /** Appends to a channel. Rejects while the store is away, with a `BrokerError` where it is outside. */
  publish(channel: string, publication: Publication): Promise<Position>
  /**
   * What is known of a channel, from after `afterOffset` on, at a moment that is not before this call. Rejects while
   * the store is away.
   */
  history(channel: string, afterOffset?: number, query?: HistoryQuery): Promise<History>
  /** The newest message of a channel, also when it is older than the history. */
  newest(channel: string): Promise<Published | undefined>
  /** Where these channels stand; those that the store does not know are missing. */
  heads(channels: readonly string[]): Promise<ReadonlyMap<string, Position>>
  /** The channels that have a newest message, at most `limit`. */
  channels(limit: number): Promise<readonly string[]>
  /** The sessions of the clients, shared by all servers on this broker. */
  readonly sessions: Sessions
  /** False while the store is away. */
  ready(): boolean
}
