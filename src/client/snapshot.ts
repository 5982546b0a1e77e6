/** The client at one moment: the same object as long as nothing in it has changed. */
import type { Connection } from '../connection/connection.ts'
import type { Faults } from '../connection/faults.ts'
import type { RoundTrips } from '../connection/round-trips.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Transport } from '../transport/transport.ts'
import type { Snapshot } from './client-types.ts'
import type { ClientConversation } from './conversation.ts'
import type { Received } from './received.ts'

export interface Snapshots<Incoming> {
  /** Where the facts come from. Before this nothing can have changed. */
  show(read: () => Snapshot<Incoming>): void
  get(): Snapshot<Incoming>
  /** Something has changed, and everybody is notified: it is looked at when somebody asks. */
  touch(): void
  /** Something may have changed. True if the snapshot is another one than everybody was notified of. */
  changed(): boolean
}

export const createSnapshots = <Incoming>(): Snapshots<Incoming> => {
  let read: (() => Snapshot<Incoming>) | undefined
  let snapshot: Snapshot<Incoming> | undefined
  let isStale = true
  /** The one that everybody was notified of; undefined: nobody knows how that one looked. */
  let notified: Snapshot<Incoming> | undefined

  const get = (): Snapshot<Incoming> => {
    if (!isStale && snapshot) return snapshot
    isStale = false
    const now = (read as () => Snapshot<Incoming>)()
    const names = Object.keys(now) as (keyof typeof now)[]
    if (!snapshot || names.some(name => snapshot?.[name] !== now[name])) {
      snapshot = Object.freeze(now)
    }
    return snapshot
  }

  return {
    show(source) {
      read = source
    },
    get,
    touch() {
      isStale = true
      notified = undefined
    },
    changed() {
      if (!read) return false
      const before = notified
      isStale = true
      notified = get()
      return notified !== before
    },
  }
}

export interface SnapshotSource<Incoming> {
  readonly connection: Connection
  readonly faults: Faults
  readonly received: Received<Incoming>
  readonly transport: Transport
  readonly outbox: Outbox<never>
  readonly roundTrips: RoundTrips
  readonly conversation: ClientConversation<Incoming, never>
}

/** Reads each fact of a snapshot from the part that knows it. */
export const readSnapshot = <Incoming>(source: SnapshotSource<Incoming>): Snapshot<Incoming> => {
  const { connection, received } = source
  const { status, phase, attempt, maxAttempts } = connection.state
  return {
    status,
    phase,
    attempt,
    maxAttempts,
    nextRetryAt: connection.nextRetryAt,
    error: source.faults.last,
    lastMessage: received.last,
    lastMessageAt: received.lastAt,
    connectedAt: connection.connectedAt,
    transport: status === 'OPEN' ? source.transport.name : status === 'FALLBACK' ? 'polling' : null,
    queued: source.outbox.size(),
    latencyMs: source.roundTrips.latencyMs,
    sessionId: source.conversation.protocol.sessionId?.() ?? null,
  }
}
