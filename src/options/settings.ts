/** Options as the client reads them: complete, checked, and never changed. */
import type {
  BatchOptions,
  DedupeOptions,
  FallbackOptions,
  HeartbeatOptions,
  HistoryOptions,
  QueueOptions,
  ReconnectOptions,
  ResilientWebSocketOptions,
} from './options.ts'

/** Options whose default says that there is none. */
type WithoutDefault = 'when' | 'message' | 'conflate' | 'afterMs' | 'parse'

/** Every option has its value; those without a default may be `undefined`. */
type Complete<Options> = {
  readonly [Name in keyof Options]-?: Name extends WithoutDefault
    ? Options[Name] | undefined
    : Exclude<Options[Name], undefined>
}

type Whole = 'url' | 'enabled' | 'connectTimeoutMs'
type Section = 'reconnect' | 'heartbeat' | 'queue' | 'batch' | 'dedupe' | 'history' | 'fallback'
type Given<Incoming, Outgoing> = ResilientWebSocketOptions<Incoming, Outgoing>

export type FallbackSettings = Complete<FallbackOptions>

/** Options of every client, without what a part of `use` adds. */
export interface CoreSettings<Incoming = unknown, Outgoing = unknown>
  extends Complete<Pick<Given<Incoming, Outgoing>, Whole>>,
    Omit<Given<Incoming, Outgoing>, Whole | Section | 'use'> {
  readonly reconnect: Complete<ReconnectOptions>
  readonly heartbeat: Complete<HeartbeatOptions> | false
  readonly queue: Complete<QueueOptions>
  readonly batch: Complete<BatchOptions<Incoming>> | false
  readonly dedupe: Complete<DedupeOptions<Incoming>> | false
  readonly history: Complete<HistoryOptions>
}

/** Options with those of polling. */
export interface Settings<Incoming = unknown, Outgoing = unknown>
  extends CoreSettings<Incoming, Outgoing> {
  readonly fallback: FallbackSettings | false
}
