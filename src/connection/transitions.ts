/**
 * The behaviour of a connection as two tables: what is true in each state, and where each event leads. What FALLBACK
 * adds is in `http/fallback-table.ts`; `docs/state-machine.md` is generated from both.
 */
import type { EventName, StateFacts, StateName } from './states.ts'

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

export type Rows = { readonly [event in EventName]?: Row | readonly Row[] }

/** What is true in each of these states, and where each event leads from there. */
export interface TableOf<Name extends StateName> {
  readonly states: Readonly<Record<Name, StateFacts>>
  /**
   * Event by state. The first row whose question is answered with yes applies; where there is none, the event changes
   * nothing. An event that arrives too late finds no row.
   */
  readonly transitions: Readonly<Record<Name, Rows>>
}

/** A state that is not in the table is never reached. */
export type Table = TableOf<CoreState> | TableOf<StateName>

/** The states of a connection without a fallback. */
export type CoreState = Exclude<StateName, 'polling' | 'probing' | 'proving'>

const dialing = { link: 'dialing', watchesPage: true, timers: ['overdue', 'gaveUp'] } as const
const open = {
  status: 'OPEN',
  link: 'open',
  watchesPage: true,
  timers: ['stabilised', 'gaveUp'],
} as const

/** What the user may ask for in every state that is not at rest. */
export const ending: Readonly<Record<'disconnectRequested' | 'closeRequested', Row>> = {
  disconnectRequested: { to: 'closed' },
  closeRequested: { to: 'ended' },
}
export const failed: Row = { to: 'failed' }
export const countedWait: Row = { to: 'waiting', attempts: 'count' }
const start: Row = { to: 'connecting', attempts: 'forget' }
const starting: Rows = { connectRequested: start, reconnectRequested: start }
const replace: Row = { to: 'redialing', afresh: true }
const redial: Row = { to: 'redialing', afresh: true, attempts: 'forget' }

const whileDialing: Rows = {
  opened: { to: 'greeting' },
  lost: countedWait,
  refused: failed,
  gaveUp: failed,
  unsupported: failed,
  ...ending,
}
const whileOpen: Rows = {
  lost: countedWait,
  refused: failed,
  outdated: replace,
  reconnectRequested: redial,
  ...ending,
}

export const TABLE: TableOf<CoreState> = {
  states: {
    closed: { status: 'CLOSED', phase: 'idle', link: 'none' },
    ended: { status: 'CLOSED', phase: 'ended', link: 'none' },
    failed: { status: 'ERROR', phase: 'idle', link: 'none' },
    connecting: { status: 'CONNECTING', phase: 'dialing', ...dialing },
    greeting: { phase: 'authenticating', ...open },
    ready: { phase: 'ready', ...open },
    waiting: { status: 'RECONNECTING', phase: 'waiting', ...dialing, link: 'none', waits: true },
    redialing: { status: 'RECONNECTING', phase: 'dialing', ...dialing },
  },
  transitions: {
    closed: { ...starting, closeRequested: ending.closeRequested },
    ended: {},
    failed: { ...starting, ...ending },
    connecting: {
      ...whileDialing,
      woken: { to: 'connecting', also: 'checkDial' },
      outdated: { to: 'connecting', afresh: true },
      reconnectRequested: { to: 'connecting', afresh: true, attempts: 'forget' },
    },
    greeting: {
      ...whileOpen,
      proved: { to: 'ready' },
      stabilised: { to: 'greeting', attempts: 'forget' },
      woken: { to: 'greeting', also: 'checkLink' },
    },
    ready: {
      ...whileOpen,
      stabilised: { to: 'ready', attempts: 'forget' },
      woken: { to: 'ready', also: 'checkLink' },
    },
    waiting: {
      waited: { to: 'redialing' },
      woken: { to: 'redialing' },
      wentOffline: { to: 'waiting' },
      gaveUp: failed,
      refused: failed,
      connectRequested: { to: 'redialing' },
      reconnectRequested: redial,
      ...ending,
    },
    redialing: {
      ...whileDialing,
      woken: { to: 'redialing', also: 'checkDial' },
      outdated: replace,
      reconnectRequested: redial,
    },
  },
}
