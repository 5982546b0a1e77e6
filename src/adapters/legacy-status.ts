/** The statuses of the older hook. */
import type { Status } from 'resilient-websocket'

/** CONNECTING also while reconnecting; DISCONNECTED while on the fallback. */
export type LegacyStatus = 'CONNECTING' | 'OPEN' | 'CLOSED' | 'ERROR' | 'DISCONNECTED'

/** Statuses that the older hook calls otherwise. */
const LEGACY: { readonly [name in Status]?: LegacyStatus } = {
  RECONNECTING: 'CONNECTING',
  FALLBACK: 'DISCONNECTED',
}

/** A status in the terms of the older hook. */
export const legacyStatus = (status: Status): LegacyStatus =>
  LEGACY[status] ?? (status as LegacyStatus)
