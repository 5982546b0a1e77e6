/** How a connection is shown: a colour, a label, a detail. Pure. */
import type { Snapshot } from 'resilient-websocket'

/** Green: connected. Yellow: connecting or reconnecting. Blue: on the fallback. Red: disconnected or failed. */
export type IndicatorColor = 'green' | 'yellow' | 'blue' | 'red'

/** How a snapshot is shown. */
export interface ConnectionDescription {
  /** The status of the snapshot. */
  readonly status: Snapshot['status']
  /** The colour of the status. */
  readonly color: IndicatorColor
  /** The name of the status, one or two words. */
  readonly label: string
  /** More about the status, without anything that changes by itself. Empty if there is nothing to add. */
  readonly detail: string
  /** Trying now makes sense: it is neither connected nor closed for good. */
  readonly canRetry: boolean
}

/** The texts of the indicator. Names in braces are filled in; all are English by default. */
export interface IndicatorStrings {
  /** The label of `OPEN`. */
  readonly connected: string
  /** The label of `CONNECTING`. */
  readonly connecting: string
  /** The label of `RECONNECTING`. */
  readonly reconnecting: string
  /** The label of `FALLBACK`. */
  readonly fallback: string
  /** The label of `CLOSED`. */
  readonly disconnected: string
  /** The label of `ERROR`. */
  readonly failed: string
  /** The link is open, and the server has not greeted yet. */
  readonly greeting: string
  /** The machine says that it has no network. */
  readonly offline: string
  /** On the fallback, while polls are answered. */
  readonly polling: string
  /** On the fallback, while polls fail, too. */
  readonly pollingFails: string
  /** Announced to screen readers of a connection that has come and gone for five seconds. */
  readonly unstable: string
  /** `{count}` messages wait to be sent, from two on. */
  readonly queued: string
  /** Exactly one message waits. */
  readonly queuedOne: string
  /** Redial `{attempt}` of `{max}`. Left out past the last one, which only a client without fallback reaches. */
  readonly attempt: string
  /** The button that tries now. */
  readonly retry: string
  /** `{seconds}` until redial `{attempt}` of `{max}`. The element shows it in place of `attempt` while the client waits. */
  readonly countdown: string
  /** `{seconds}` until the next try where attempts are not counted: on the fallback, and past the last one. */
  readonly probe: string
  /** The age of the last data in `{seconds}`, up to two minutes. */
  readonly age: string
  /** The same in `{minutes}`, up to two hours. */
  readonly ageMinutes: string
  /** The same in `{hours}`. */
  readonly ageHours: string
  /** The name of the panel, for screen readers. */
  readonly details: string
  /** The button that copies diagnostics. */
  readonly copy: string
  /** The same button, after it has copied. */
  readonly copied: string
  /** The same button, after the browser refused. */
  readonly copyFailed: string
  /** The name of the row with the last error. */
  readonly lastError: string
  /** That row without an error. */
  readonly noError: string
  /** The name of the row with the last round trip; left out until one was measured: a link that is never silent is not pinged. */
  readonly roundTrip: string
  /** The name of the row with the number of messages that wait. */
  readonly waiting: string
  /** The heading of the history. */
  readonly history: string
  /** The history without an entry. */
  readonly noHistory: string
  /**
   * Texts for the reasons in the history, by the reason as the client gives it: `Connection lost`, `Connection failed`,
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

/** The English texts. */
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

/** The label of a status. */
export const labelOf = (status: Snapshot['status'], texts: IndicatorStrings): string =>
  texts[LOOKS[status][1]]

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
 * `strings` replaces texts. Throws a `TypeError` for anything that has no known `status`.
 */
export const describeConnection = (
  snapshot: Pick<Snapshot, 'status'> & Partial<Snapshot>,
  strings: Partial<IndicatorStrings> = {},
): ConnectionDescription => {
  const { status, phase, error, queued = 0, attempt = 0, maxAttempts: max = 0 } = snapshot ?? {}
  if (!Object.hasOwn(LOOKS, status)) {
    throw new TypeError(`describeConnection: expected a snapshot of a client, got status ${status}`)
  }
  const texts = { ...STRINGS, ...strings }
  const [color, label] = LOOKS[status]
  const detail = [
    status === 'OPEN' && phase === 'authenticating' && texts.greeting,
    phase === 'offline' && texts.offline,
    // Without a fallback the client goes on past the last attempt.
    status === 'RECONNECTING' &&
      phase !== 'offline' &&
      attempt > 0 &&
      attempt <= max &&
      fill(texts.attempt, { attempt, max }),
    status === 'FALLBACK' && (error?.code === 'POLL' ? texts.pollingFails : texts.polling),
    status === 'ERROR' && error?.message,
    queued > 0 &&
      status !== 'OPEN' &&
      fill(queued === 1 ? texts.queuedOne : texts.queued, { count: queued }),
  ].filter(Boolean)
  return {
    status,
    color,
    label: texts[label],
    detail: detail.join('. '),
    canRetry: status !== 'OPEN' && phase !== 'ended',
  }
}
