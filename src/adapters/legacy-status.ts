/** The statuses of the older hook. */
import type { Status } from 'resilient-websocket'

/** CONNECTING also while reconnecting; DISCONNECTED while on the fallback. */
export type LegacyStatus = 'CONNECTING' | 'OPEN' | 'CLOSED' | 'ERROR' | 'DISCONNECTED'

const LEGACY: Readonly<Record<Status, LegacyStatus>> = {
  CONNECTING: 'CONNECTING',
  RECONNECTING: 'CONNECTING',
  OPEN: 'OPEN',
  FALLBACK: 'DISCONNECTED',
  CLOSED: 'CLOSED',
  ERROR: 'ERROR',
}

/** A status in the terms of the older hook. */
export const legacyStatus = (status: Status): LegacyStatus => LEGACY[status]
