/**
 * The whole behaviour of a connection as two tables: what is true in each state, and
 * where each event leads. `docs/state-machine.md` is generated from them.
 */
import type { EventName, Phase, StateName, Status } from './states.ts'

interface StateFacts {
  readonly status: Status
  readonly phase: Phase
  /** What the WebSocket is doing. At most one exists. */
  readonly link: 'none' | 'dialing' | 'open'
  readonly polls?: true
  /** Time passes here until `waited`. */
  readonly waits?: true
}

export const STATES: Readonly<Record<StateName, StateFacts>> = {
  closed: { status: 'CLOSED', phase: 'idle', link: 'none' },
  ended: { status: 'CLOSED', phase: 'ended', link: 'none' },
  failed: { status: 'ERROR', phase: 'idle', link: 'none' },
  connecting: { status: 'CONNECTING', phase: 'dialing', link: 'dialing' },
  greeting: { status: 'OPEN', phase: 'authenticating', link: 'open' },
  ready: { status: 'OPEN', phase: 'ready', link: 'open' },
  waiting: { status: 'RECONNECTING', phase: 'waiting', link: 'none', waits: true },
  redialing: { status: 'RECONNECTING', phase: 'dialing', link: 'dialing' },
  polling: { status: 'FALLBACK', phase: 'polling', link: 'none', polls: true, waits: true },
  probing: { status: 'FALLBACK', phase: 'polling', link: 'dialing', polls: true },
  proving: { status: 'FALLBACK', phase: 'polling', link: 'open', polls: true },
}

/** Questions a row may ask of the machine before it applies. */
export type Guard = 'attemptsLeft' | 'hasFallback'

export interface Row {
  readonly to: StateName
  readonly if?: Guard
  /** Dial anew, also where a dial is under way. */
  readonly afresh?: true
  readonly attempts?: 'forget' | 'count'
  readonly also?: 'checkLink' | 'checkDial' | 'replaceOldDial' | 'pollNow' | 'pollAnew'
}

const closed: Row = { to: 'closed' }
const ended: Row = { to: 'ended' }
const failed: Row = { to: 'failed' }
const fallBack: Row = { to: 'polling', if: 'hasFallback' }
const start: Row = { to: 'connecting', attempts: 'forget' }
const retry: readonly Row[] = [
  { to: 'waiting', if: 'attemptsLeft', attempts: 'count' },
  fallBack,
  { to: 'waiting', attempts: 'count' },
]
const replace: Row = { to: 'redialing', afresh: true }
const redial: Row = { to: 'redialing', afresh: true, attempts: 'forget' }
const probe: Row = { to: 'probing', afresh: true, attempts: 'forget', also: 'pollNow' }
const resume: Row = { to: 'probing', also: 'pollNow' }

/**
 * Event by state. The first row whose question is answered with yes applies; where there
 * is none, the event changes nothing. An event that arrives too late finds no row.
 */
export const TRANSITIONS: Readonly<
  Record<StateName, { readonly [event in EventName]?: Row | readonly Row[] }>
> = {
  closed: { connectRequested: start, reconnectRequested: start, closeRequested: ended },
  ended: {},
  failed: {
    connectRequested: start,
    reconnectRequested: start,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  connecting: {
    opened: { to: 'greeting' },
    lost: retry,
    refused: failed,
    gaveUp: failed,
    overdue: { to: 'probing', if: 'hasFallback' },
    unsupported: [fallBack, failed],
    woken: { to: 'connecting', also: 'checkDial' },
    outdated: { to: 'connecting', afresh: true },
    reconnectRequested: { to: 'connecting', afresh: true, attempts: 'forget' },
    disconnectRequested: closed,
    closeRequested: ended,
  },
  greeting: {
    proved: { to: 'ready' },
    lost: retry,
    refused: failed,
    stabilised: { to: 'greeting', attempts: 'forget' },
    woken: { to: 'greeting', also: 'checkLink' },
    outdated: replace,
    reconnectRequested: redial,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  ready: {
    lost: retry,
    refused: failed,
    stabilised: { to: 'ready', attempts: 'forget' },
    woken: { to: 'ready', also: 'checkLink' },
    outdated: replace,
    reconnectRequested: redial,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  waiting: {
    waited: { to: 'redialing' },
    woken: { to: 'redialing' },
    wentOffline: { to: 'waiting' },
    gaveUp: failed,
    overdue: fallBack,
    refused: failed,
    connectRequested: { to: 'redialing' },
    reconnectRequested: redial,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  redialing: {
    opened: { to: 'greeting' },
    lost: retry,
    refused: failed,
    gaveUp: failed,
    overdue: { to: 'probing', if: 'hasFallback' },
    unsupported: [fallBack, failed],
    woken: { to: 'redialing', also: 'checkDial' },
    outdated: replace,
    reconnectRequested: redial,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  polling: {
    waited: { to: 'probing' },
    woken: resume,
    pollRecovered: { to: 'probing' },
    refused: failed,
    fallbackMissing: { to: 'waiting', attempts: 'count' },
    connectRequested: resume,
    outdated: { to: 'polling', also: 'pollAnew' },
    reconnectRequested: probe,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  probing: {
    opened: { to: 'proving' },
    lost: { to: 'polling' },
    unsupported: { to: 'polling' },
    refused: failed,
    woken: { to: 'probing', also: 'pollNow' },
    pollRecovered: { to: 'probing', also: 'replaceOldDial' },
    outdated: { to: 'probing', afresh: true, also: 'pollAnew' },
    fallbackMissing: { to: 'redialing', attempts: 'count' },
    reconnectRequested: probe,
    disconnectRequested: closed,
    closeRequested: ended,
  },
  proving: {
    proved: { to: 'ready' },
    lost: { to: 'polling' },
    refused: failed,
    woken: { to: 'proving', also: 'pollNow' },
    outdated: { to: 'probing', afresh: true, also: 'pollAnew' },
    fallbackMissing: { to: 'greeting' },
    reconnectRequested: probe,
    disconnectRequested: closed,
    closeRequested: ended,
  },
}
