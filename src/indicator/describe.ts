/** A snapshot in colour and words, without any element. */
import type { Snapshot, Status } from 'resilient-websocket'
import { ENGLISH, type IndicatorStrings } from './strings.ts'

export type ConnectionColor = 'green' | 'yellow' | 'blue' | 'red'

export interface ConnectionDescription {
  readonly status: Status
  /** green: connected; yellow: connecting or reconnecting; blue: fallback; red: disconnected or error. */
  readonly color: ConnectionColor
  /** A word or two. */
  readonly label: string
  /** A sentence: what it means for whoever looks at the page. */
  readonly detail: string
  /** True whenever a `reconnect()` may help: the status is not OPEN. */
  readonly canRetry: boolean
}

const COLORS: Readonly<Record<Status, ConnectionColor>> = {
  OPEN: 'green',
  CONNECTING: 'yellow',
  RECONNECTING: 'yellow',
  FALLBACK: 'blue',
  CLOSED: 'red',
  ERROR: 'red',
}

/**
 * What to show of a connection.
 *
 * ```ts
 * const { color, label } = describeConnection(socket.getSnapshot())
 * ```
 */
export const describeConnection = (
  snapshot: Pick<Snapshot, 'status' | 'phase' | 'error'>,
  strings: IndicatorStrings = ENGLISH,
): ConnectionDescription => {
  const { status, phase, error } = snapshot
  const color = COLORS[status]
  if (!color) {
    throw new TypeError(
      `describeConnection: expected the snapshot of a client, got the status ${status}`,
    )
  }
  const detail =
    phase === 'offline'
      ? strings.offline
      : status === 'ERROR' && error
        ? error.message
        : strings.details[status]
  return { status, color, label: strings.labels[status], detail, canRetry: status !== 'OPEN' }
}
