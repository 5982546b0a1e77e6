/** What the parts of a connection share: its state, what lives with its links, and the way of an event to the machine. */
import type { CloseDetails } from '../transport/transport.ts'
import type { DialRules } from './dial.ts'
import type { Fallback } from './fallback.ts'
import type { LinkUser } from './link-user.ts'
import type { MachineState } from './machine.ts'
import type { EventName } from './states.ts'

/** What a protocol has to say of the connection itself. */
export interface ConnectionRules extends DialRules {
  /** Its verdict on a close: final, retry, or retry after so many ms; `undefined`: the code decides. */
  closeVerdict?(close: CloseDetails): boolean | number | undefined
}

/** What lives with the links of a connection. */
export interface ConnectionParts {
  readonly rules: ConnectionRules
  /** Called in this order, on the way up and on the way down. */
  readonly users: readonly LinkUser[]
  readonly fallback: Fallback | undefined
  /** A frame came, by the wall clock at this time. */
  onFrame(payload: unknown, at: number): void
  /** A link was closed because a message was too large. */
  onTooLarge(): void
  /** The status is about to leave OPEN, or nobody sees the page any more: what waits to be rendered is due. */
  onLeave(): void
}

export interface ConnectionCore {
  /** Where the machine stands. The connection's to set. */
  state: MachineState
  /** Set once, before the first event. */
  parts: ConnectionParts
  /** The URL that was dialed last; empty if none was. */
  dialedUrl: string
  /**
   * Gives an event to the machine, after the one under way. `afterMs`: wait exactly so long before the next dial, instead
   * of the backoff.
   */
  dispatch(event: EventName, reason?: string, afterMs?: number): void
}
