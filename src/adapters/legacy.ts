/** The statuses of the older, smaller hook. */
import type { Status } from 'resilient-websocket'

/** `CONNECTING` also while reconnecting, `DISCONNECTED` while on the fallback. */
export type LegacyStatus = 'CONNECTING' | 'OPEN' | 'CLOSED' | 'ERROR' | 'DISCONNECTED'

const LEGACY: Readonly<Record<Status, LegacyStatus>> = {
  CONNECTING: 'CONNECTING',
  OPEN: 'OPEN',
  CLOSED: 'CLOSED',
  RECONNECTING: 'CONNECTING',
  FALLBACK: 'DISCONNECTED',
  ERROR: 'ERROR',
}

export const legacyStatus = (status: Status): LegacyStatus => LEGACY[status]
