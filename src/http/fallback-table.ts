/** What FALLBACK adds to the connection's tables: three states, and the rows that lead there. */
import type { StateFacts, StateName } from '../connection/states.ts'
import {
  countedWait,
  ending,
  failed,
  type Row,
  type Rows,
  TABLE,
  type TableOf,
} from '../connection/transitions.ts'

const createTable = (): TableOf<StateName> => {
  const fallback = {
    status: 'FALLBACK',
    phase: 'polling',
    polls: true,
    watchesPage: true,
  } as const satisfies Partial<StateFacts>

  const fallBack: Row = { to: 'polling', if: 'hasFallback' }
  const overdue: Row = { to: 'probing', if: 'hasFallback' }
  const lost: readonly Row[] = [{ ...countedWait, if: 'attemptsLeft' }, fallBack, countedWait]
  const probe: Row = { to: 'probing', afresh: true, attempts: 'forget', also: 'pollNow' }
  const resume: Row = { to: 'probing', also: 'pollNow' }
  const replace: Row = { to: 'probing', afresh: true, also: 'pollAnew' }
  const always: Rows = { refused: failed, reconnectRequested: probe, ...ending }

  const { states, transitions } = TABLE
  const dialing: Rows = { lost, overdue, unsupported: [fallBack, failed] }

  return {
    states: {
      ...states,
      polling: { ...fallback, link: 'none', waits: true },
      probing: { ...fallback, link: 'dialing' },
      proving: { ...fallback, link: 'open' },
    },
    transitions: {
      ...transitions,
      connecting: { ...transitions.connecting, ...dialing },
      greeting: { ...transitions.greeting, lost },
      ready: { ...transitions.ready, lost },
      waiting: { ...transitions.waiting, overdue: fallBack },
      redialing: { ...transitions.redialing, ...dialing },
      polling: {
        ...always,
        waited: { to: 'probing' },
        woken: resume,
        pollRecovered: { to: 'probing' },
        fallbackMissing: countedWait,
        connectRequested: resume,
        outdated: { to: 'polling', also: 'pollAnew' },
      },
      probing: {
        ...always,
        opened: { to: 'proving' },
        lost: { to: 'polling' },
        unsupported: { to: 'polling' },
        woken: { to: 'probing', also: 'pollNow' },
        pollRecovered: { to: 'probing', also: 'replaceOldDial' },
        outdated: replace,
        fallbackMissing: { to: 'redialing', attempts: 'count' },
      },
      proving: {
        ...always,
        proved: { to: 'ready' },
        lost: { to: 'polling' },
        woken: { to: 'proving', also: 'pollNow' },
        outdated: replace,
        fallbackMissing: { to: 'greeting' },
      },
    },
  }
}

/** Marked as pure, so that a bundle without polling leaves it out. */
export const FALLBACK_TABLE: TableOf<StateName> = /* @__PURE__ */ createTable()
