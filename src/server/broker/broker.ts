/** The seam of brokers: a store of channels, histories and sessions that several servers can share. */
import type { WireMessage } from '../../protocol/wire-types.ts'
import type { SessionStore } from './session-store.ts'

/** A position in a channel's history. */
export interface Position {
  /** The random name of one history; under another one the offsets began at 1 again. */
  readonly epoch: string
  /** 1, 2, 3, ... within the epoch; 0 before the first message. */
  readonly offset: number
}

/** A message as it was published. */
export interface Published extends Position {
  /** The channel it was published on. */
  readonly channel: string
  /** The message, parsed from `text` at each access. */
  readonly message: WireMessage
  /** The message as JSON, made once for all its receivers. */
  readonly text: string
}

/** The part of a channel that the store remembers. */
export interface History extends Position {
  /** Oldest first, without a hole, ending at `offset`; see `HistoryQuery` for what may be left out. */
  readonly messages: readonly Published[]
  /** The offset of the oldest message that is remembered, where messages were left out for their number. */
  readonly oldest?: number
}

/** Bounds on the messages of a history. A broker may ignore them: it then only reads more than is used. */
export interface HistoryQuery {
  /** Leaves the messages out if the history has another epoch. @default any */
  readonly epoch?: string
  /** Leaves the messages out if there would be more than this; see `History.oldest`. @default Infinity */
  readonly limit?: number
}

/** A message to publish, without the fields that the broker adds (`channel`, `offset`). */
export interface Publication {
  /** Names the kind of message, in 1 to 64 characters. */
  readonly type: string
  /** Anything that JSON can hold. */
  readonly data?: unknown
  /** Names the message; clients drop a second one of the same `id`. @default a random one */
  readonly id?: string
  /** Milliseconds since the epoch. @default now */
  readonly timestamp?: number
}

/** Called with every message that was published, in the order of its channel. May not throw. */
export type Deliver = (published: Published) => void

/** A broker that is outside of the process could not answer. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  /**
   * `away`: nothing was done. `unknown`: the connection was lost before the answer, and it may have been done;
   * a message that is published again with the same `id` reaches no client twice.
   */
  readonly code: 'away' | 'unknown'
  constructor(code: 'away' | 'unknown', message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Called when another server has taken over an incarnation of a session (its key, a blank, its `tok`) with this `gen`: its
 * connections here are closed with 4409.
 */
export type OnTakeover = (incarnation: string, gen: number) => void

/** A store of channels. `test/server/broker-contract.ts` says what every one of them keeps. */
export interface Broker {
  /**
   * Begins to deliver; resolves to a function that ends it. `onTakeover` is called for sessions that went on to servers of
   * other processes.
   */
  attach(deliver: Deliver, onTakeover?: OnTakeover): Promise<() => Promise<void>>
  /**
   * Appends to a channel and delivers to all that are attached; resolves to the position of the message. Rejects while the
   * store is away, with a `BrokerError` where it is outside.
   */
  publish(channel: string, publication: Publication): Promise<Position>
  /**
   * The messages of a channel with offsets above `afterOffset`, read at a moment that is not before this call. Rejects
   * while the store is away.
   */
  history(channel: string, afterOffset?: number, query?: HistoryQuery): Promise<History>
  /** The newest message of a channel, also when the history has forgotten it; `undefined` if there is none. */
  newest(channel: string): Promise<Published | undefined>
  /** The newest position of each of these channels; those that the store does not know are missing. */
  heads(channels: readonly string[]): Promise<ReadonlyMap<string, Position>>
  /** The channels that have a newest message, at most `limit`. */
  channels(limit: number): Promise<readonly string[]>
  /** The sessions of the clients, shared by all servers on this broker. */
  readonly sessions: SessionStore
  /** False while the store is away. */
  ready(): boolean
}
