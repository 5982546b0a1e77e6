/** The parts of a server that all its connections use. */
import type { Applying } from '../apply.ts'
import type { Broker } from '../broker/broker.ts'
import type { ServerEnvironment } from '../environment.ts'
import type { Counters } from '../metrics.ts'
import type { ServerSettings } from '../options.ts'
import type { TimeLimits } from '../time-limits.ts'
import type { ChannelRegistry } from './channel-streams.ts'
import type { JoinWindow } from './join-window.ts'
import type { SessionRegistry } from './session-handler.ts'

export interface ConnectionContext {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly applying: Applying
  readonly counters: Counters
  readonly timeLimits: TimeLimits
  readonly joinWindow: JoinWindow
  readonly channels: ChannelRegistry
  readonly sessions: SessionRegistry
  /** Something failed that the server survives; the log has it already. */
  onError(error: unknown): void
}
