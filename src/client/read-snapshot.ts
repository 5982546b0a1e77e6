/** Where each fact of a snapshot comes from. */
import type { Connection } from '../connection/connection.ts'
import type { Faults } from '../connection/faults.ts'
import type { RoundTrips } from '../connection/round-trips.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Transport } from '../transport/transport.ts'
import type { ClientConversation } from './client-conversation.ts'
import type { Snapshot } from './client-types.ts'
import type { Received } from './received.ts'

export interface SnapshotSource<Incoming> {
  readonly connection: Connection
  readonly faults: Faults
  readonly received: Received<Incoming>
  readonly transport: Transport
  readonly outbox: Outbox<never>
  readonly roundTrips: RoundTrips
  readonly conversation: ClientConversation<Incoming, never>
}

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
