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
  /** Trying now makes sense: it is neither connected nor closed for good. */
  readonly canRetry: boolean
}

/** The words of the indicator. Text in braces is filled in. */
export interface IndicatorStrings {
  readonly connected: string
  readonly connecting: string
  readonly reconnecting: string
  readonly fallback: string
  readonly disconnected: string
  readonly failed: string
  /** The link is open, and the server has not greeted yet. */
  readonly greeting: string
  readonly offline: string
  readonly polling: string
  /** On the fallback, while polls fail, too. */
  readonly pollingFails: string
  /** Announced to screen readers of a connection that has come and gone for five seconds. */
  readonly unstable: string
  /** `{count}`, from two on. */
  readonly queued: string
  /** Exactly one message waits. */
  readonly queuedOne: string
  /** `{attempt}`, `{max}`. Left out past the last one, which only a client without fallback reaches. */
  readonly attempt: string
  readonly retry: string
  /** `{seconds}`, `{attempt}`, `{max}`. The element shows it in place of `attempt` while it waits. */
  readonly countdown: string
  /** `{seconds}`. Where attempts are not counted: on the fallback, and past the last one. */
  readonly probe: string
  /** `{seconds}`. Up to two minutes. */
  readonly age: string
  /** `{minutes}`. Up to two hours. */
  readonly ageMinutes: string
  /** `{hours}` */
  readonly ageHours: string
  readonly details: string
  readonly copy: string
  readonly copied: string
  readonly copyFailed: string
  readonly lastError: string
  readonly noError: string
  /** The row is left out as long as none was measured: a link that is never silent is not pinged. */
  readonly roundTrip: string
  readonly waiting: string
  readonly history: string
  readonly noHistory: string
  /**
   * Words for the reasons in the history, by the reason as the client gives it: `Connection lost`, `Connection failed`,
   * `Heartbeat timeout`, `Connect timeout`, `Disconnect requested`, `Reconnect requested`, `Server asked to reconnect`, ...
   * One that is missing is shown as it is.
   */
  readonly reasons: Readonly<Record<string, string>>
  /** A log-in that has ended. */
  readonly hintLogin: string
  /** An origin that the server does not allow. */
  readonly hintOrigin: string
  /** A URL that is none, or that the browser blocks. */
  readonly hintAddress: string
  /** Nothing answers polls at the fallback's URL. */
  readonly hintFallback: string
  /** The server answers polls with an error of its own. */
  readonly hintServer: string
  /** Silence: a timeout of a dial, a heartbeat or a poll. */
  readonly hintNoAnswer: string
  /** A link, or a dial, that broke off. */
  readonly hintUnreachable: string
  /** A message that could not be read, or that the schema refused. */
  readonly hintMessage: string
  /** The server limits the rate. */
  readonly hintSlower: string
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
  pollingFails: 'No data comes: the server does not answer',
  unstable: 'The connection is unstable',
  queued: '{count} messages wait to be sent',
  queuedOne: 'One message waits to be sent',
  attempt: 'Attempt {attempt} of {max}',
  retry: 'Try now',
  countdown: 'next try in {seconds} s ({attempt}/{max})',
  probe: 'next try in {seconds} s',
  age: 'last data {seconds} s ago',
  ageMinutes: 'last data {minutes} min ago',
  ageHours: 'last data {hours} h ago',
  details: 'Connection details',
  copy: 'Copy diagnostics',
  copied: 'Copied',
  copyFailed: 'Not allowed to copy',
  lastError: 'Last error',
  noError: 'none',
  roundTrip: 'Round trip',
  waiting: 'Waiting to be sent',
  history: 'History',
  noHistory: 'Nothing yet',
  reasons: {},
  hintLogin: 'The session may have ended: log in again.',
  hintOrigin: 'The server does not allow this origin: see its ALLOWED_ORIGINS.',
  hintAddress: 'Check the URL, wss: on https: pages, and connect-src of the CSP.',
  hintFallback: 'Set fallback.url to where the server answers polls, or fallback: false.',
  hintServer: 'The server answers with an error of its own: see its log.',
  hintNoAnswer: 'The server or the network does not answer.',
  hintUnreachable: 'The server is not reachable from here, or the network has changed.',
  hintMessage: 'The connection is well; the message is not as expected.',
  hintSlower: 'Too many messages in a short time: they wait, and go on by themselves.',
}

/** A status as the indicator calls it. */
export const labelOf = (status: Snapshot['status'], words: IndicatorStrings): string =>
  words[LOOKS[status][1]]

/** Fills in a text. */
export const fill = (text: string, values: Readonly<Record<string, unknown>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  )

type Look = readonly [color: IndicatorColor, label: Exclude<keyof IndicatorStrings, 'reasons'>]

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
  const { status, phase, error, queued = 0, attempt = 0, maxAttempts: max = 0 } = snapshot ?? {}
  if (!Object.hasOwn(LOOKS, status)) {
    throw new TypeError(`describeConnection: expected a snapshot of a client, got status ${status}`)
  }
  const words = { ...STRINGS, ...strings }
  const [color, label] = LOOKS[status]
  const detail = [
    status === 'OPEN' && phase === 'authenticating' && words.greeting,
    phase === 'offline' && words.offline,
    // Without a fallback it goes on past the last one.
    status === 'RECONNECTING' &&
      phase !== 'offline' &&
      attempt > 0 &&
      attempt <= max &&
      fill(words.attempt, { attempt, max }),
    status === 'FALLBACK' && (error?.code === 'POLL' ? words.pollingFails : words.polling),
    status === 'ERROR' && error?.message,
    queued > 0 &&
      status !== 'OPEN' &&
      fill(queued === 1 ? words.queuedOne : words.queued, { count: queued }),
  ].filter(Boolean)
  return {
    status,
    color,
    label: words[label],
    detail: detail.join('. '),
    canRetry: status !== 'OPEN' && phase !== 'ended',
  }
}
