/** What a connection looks like, in words and a colour. Pure. */
import type { Snapshot } from 'resilient-websocket'

export type IndicatorColor = 'green' | 'yellow' | 'blue' | 'red'

export interface ConnectionDescription {
  readonly status: Snapshot['status']
  /** Green: connected. Yellow: connecting or reconnecting. Blue: on the fallback. Red: disconnected or failed. */
  readonly color: IndicatorColor
  /** One or two words. */
  readonly label: string
  /** What is going on, without anything that changes by itself. Empty if there is nothing to add. */
  readonly detail: string
  /** Trying now makes sense: it is not connected. */
  readonly canRetry: boolean
}

/** The words of the indicator. `{name}` is filled in. */
export interface IndicatorStrings {
  readonly connected: string
  readonly connecting: string
  readonly reconnecting: string
  readonly fallback: string
  readonly disconnected: string
  readonly failed: string
  readonly greeting: string
  readonly offline: string
  readonly polling: string
  readonly queued: string
  readonly retry: string
  readonly countdown: string
  readonly probe: string
  readonly age: string
  readonly details: string
  readonly copy: string
  readonly copied: string
  readonly copyFailed: string
  readonly lastError: string
  readonly noError: string
  readonly roundTrip: string
  readonly notMeasured: string
  readonly waiting: string
  readonly history: string
  readonly noHistory: string
}

export const STRINGS: IndicatorStrings = {
  connected: 'Connected',
  connecting: 'Connecting',
  reconnecting: 'Reconnecting',
  fallback: 'Limited connection',
  disconnected: 'Disconnected',
  failed: 'Connection failed',
  greeting: 'Waiting for the server',
  offline: 'This device is offline',
  polling: 'Live updates are slower than usual',
  queued: '{count} messages wait to be sent',
  retry: 'Try now',
  countdown: 'next try in {seconds} s ({attempt}/{max})',
  probe: 'next try in {seconds} s',
  age: 'last data {seconds} s ago',
  details: 'Connection details',
  copy: 'Copy diagnostics',
  copied: 'Copied',
  copyFailed: 'Not allowed to copy',
  lastError: 'Last error',
  noError: 'none',
  roundTrip: 'Round trip',
  notMeasured: 'not measured yet',
  waiting: 'Waiting to be sent',
  history: 'History',
  noHistory: 'Nothing yet',
}

/** Fills in a text. */
export const fill = (text: string, values: Readonly<Record<string, unknown>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )

type Look = readonly [color: IndicatorColor, label: keyof IndicatorStrings]

const LOOKS: Readonly<Record<Snapshot['status'], Look>> = {
  OPEN: ['green', 'connected'],
  CONNECTING: ['yellow', 'connecting'],
  RECONNECTING: ['yellow', 'reconnecting'],
  FALLBACK: ['blue', 'fallback'],
  CLOSED: ['red', 'disconnected'],
  ERROR: ['red', 'failed'],
}

/**
 * Describes a snapshot, for an indicator of your own.
 *
 * ```ts
 * const { color, label, detail, canRetry } = describeConnection(socket.getSnapshot())
 * ```
 *
 * `strings` replaces words. Throws a `TypeError` for anything that has no known `status`.
 */
export const describeConnection = (
  snapshot: Pick<Snapshot, 'status'> & Partial<Snapshot>,
  strings: Partial<IndicatorStrings> = {},
): ConnectionDescription => {
  const { status, phase, error, queued = 0 } = snapshot ?? {}
  if (!Object.hasOwn(LOOKS, status)) {
    throw new TypeError(`describeConnection: expected a snapshot of a client, got status ${status}`)
  }
  const words = { ...STRINGS, ...strings }
  const [color, label] = LOOKS[status]
  const detail = [
    status === 'OPEN' && phase === 'authenticating' && words.greeting,
    phase === 'offline' && words.offline,
    status === 'FALLBACK' && words.polling,
    status === 'ERROR' && error?.message,
    queued > 0 && status !== 'OPEN' && fill(words.queued, { count: queued }),
  ].filter(Boolean)
  return {
    status,
    color,
    label: words[label],
    detail: detail.join('. '),
    canRetry: status !== 'OPEN',
  }
}
