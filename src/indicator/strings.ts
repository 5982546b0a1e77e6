/** Every word that the indicator says, to be replaced by yours. */
import type { Status } from 'resilient-websocket'

export interface IndicatorStrings {
  /** A word or two for each status; these are announced. */
  readonly labels: Readonly<Record<Status, string>>
  /** A sentence for each status. */
  readonly details: Readonly<Record<Status, string>>
  /** Instead of the sentence, while the machine says that it is offline. */
  readonly offline: string
  /** What to do about an error, by its code. */
  readonly hints: Readonly<Record<string, string>>
  /** `maxAttempts` is undefined where nobody has said it, and while polling, where nothing is counted. */
  readonly countdown: (
    seconds: number,
    attempt: number | undefined,
    maxAttempts: number | undefined,
  ) => string
  /** How old the last message is, in seconds. `flowing`: more may come at any time. */
  readonly age: (seconds: number, flowing: boolean) => string
  readonly tryNow: string
  /** On the button. */
  readonly showDetails: string
  /** Names the panel. */
  readonly panel: string
  readonly lastError: string
  readonly noError: string
  readonly roundTrip: string
  readonly notMeasured: string
  /** In words, what the line of round trips shows; in ms. */
  readonly roundTrips: (last: number, least: number, most: number) => string
  readonly queued: string
  readonly history: string
  readonly copy: string
  readonly copied: string
  /** The clipboard is not to be had; the text is shown to be copied by hand. */
  readonly copyByHand: string
}

const span = (seconds: number): string =>
  seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`

/** The indicator's own words. */
export const ENGLISH: IndicatorStrings = {
  labels: {
    CONNECTING: 'Connecting',
    OPEN: 'Connected',
    RECONNECTING: 'Reconnecting',
    FALLBACK: 'Fallback mode',
    CLOSED: 'Disconnected',
    ERROR: 'Connection error',
  },
  details: {
    CONNECTING: 'The connection is being opened.',
    OPEN: 'Messages come and go live.',
    RECONNECTING: 'The connection was lost. It comes back by itself.',
    FALLBACK: 'No live connection. Data is fetched every few seconds until there is one.',
    CLOSED: 'Nothing is received.',
    ERROR: 'The connection cannot be made.',
  },
  offline: 'This device is offline. The connection comes back with the network.',
  hints: {
    LOST: 'The network or the server went away; it is tried again by itself.',
    FAILED: 'Is the server running, and is its address right?',
    REFUSED: 'Trying again will not help by itself: check the sign-in, the address and the origin.',
    POLL: 'The fallback address gives no answer.',
    BAD_MESSAGE: 'The server sent something that cannot be read. The connection goes on.',
    TIMEOUT: 'The server took too long to answer.',
    UNAUTHORIZED: 'Sign in again.',
    RATE_LIMITED: 'Too many messages at once; they are sent more slowly now.',
  },
  countdown: (seconds, attempt, maxAttempts) => {
    const when = seconds > 0 ? `next try in ${span(seconds)}` : 'trying now'
    if (!attempt) return when
    return `${when} (${attempt}${maxAttempts && attempt <= maxAttempts ? `/${maxAttempts}` : ''})`
  },
  age: (seconds, flowing) =>
    flowing && seconds < 2 ? 'up to date' : `data ${span(Math.max(1, seconds))} old`,
  tryNow: 'Try now',
  showDetails: 'Details',
  panel: 'Connection details',
  lastError: 'Last error',
  noError: 'none',
  roundTrip: 'Round trip',
  notMeasured: 'not measured yet',
  roundTrips: (last, least, most) => `${last} ms, between ${least} and ${most} ms`,
  queued: 'Waiting to be sent',
  history: 'History',
  copy: 'Copy diagnostics',
  copied: 'Copied',
  copyByHand: 'Copy this text:',
}
