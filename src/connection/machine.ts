/**
 * The pure machine: `(state, event) -> [state, effects]`. It says *that* something happens; clock, chance and sockets
 * are the connection's.
 */
import type {
  Effect,
  EventName,
  Phase,
  StateFacts,
  StateName,
  StateTimer,
  Status,
} from './states.ts'
import type { Guard, Row, Table, TableOf } from './transitions.ts'

export interface MachineState {
  readonly name: StateName
  readonly status: Status
  readonly phase: Phase
  /** Redials since the link was last stable. */
  readonly attempt: number
  readonly maxAttempts: number
  /** `missing`: there is a fallback, but the server has none; what may have changed that tries it again. */
  readonly fallback: 'none' | 'available' | 'missing'
  /** What the machine's network says of itself; a hint, never a verdict. */
  readonly online: boolean
}

export const initialState = (maxAttempts: number, hasFallback: boolean): MachineState => ({
  name: 'closed',
  status: 'CLOSED',
  phase: 'idle',
  attempt: 0,
  maxAttempts,
  fallback: hasFallback ? 'available' : 'none',
  online: true,
})

const GUARDS: Record<Guard, (state: MachineState) => boolean> = {
  attemptsLeft: ({ attempt, maxAttempts }) => attempt < maxAttempts,
  hasFallback: ({ fallback }) => fallback === 'available',
}

/** After these a fallback that was missing may be there: another network, a wish of the user, a server that answers. */
const MAY_BRING_FALLBACK: readonly EventName[] = ['wentOnline', 'reconnectRequested', 'opened']

/** After these the machine has a network again. */
const SAYS_ONLINE: readonly EventName[] = ['woken', 'opened', 'wentOnline']

/** What an event says of the world, whether or not it leads anywhere. */
const learn = (state: MachineState, event: EventName): MachineState => {
  const { online, fallback } = state
  if (event === 'wentOffline') return { ...state, online: false }
  if (event === 'fallbackMissing' && fallback === 'available')
    return { ...state, fallback: 'missing' }
  const back = fallback === 'missing' && MAY_BRING_FALLBACK.includes(event)
  return {
    ...state,
    fallback: back ? 'available' : fallback,
    online: online || SAYS_ONLINE.includes(event),
  }
}

/** What is true in this state. */
export const factsOf = (state: MachineState, table: Table): StateFacts =>
  (table as TableOf<StateName>).states[state.name]

/** True while this timer has to run, once it was set, until it has fired. */
export const timerRuns = (timer: StateTimer, state: MachineState, table: Table): boolean =>
  factsOf(state, table).timers?.includes(timer) === true &&
  // Counted from the first failure until the link was stable again; a fallback never gives up.
  (timer !== 'gaveUp' || (state.fallback === 'none' && state.attempt > 0))

/** Follows one event. */
export const transition = (
  before: MachineState,
  event: EventName,
  table: Table,
): [MachineState, readonly Effect[]] => {
  const state = learn(before, event)
  const rows = [
    (table as TableOf<StateName>).transitions[state.name][event] ?? [],
  ].flat() as readonly Row[]
  const row = rows.find(each => !each.if || GUARDS[each.if](state))
  if (!row) return [state, []]

  const { attempts, afresh, also } = row
  const from = factsOf(state, table)
  const to = (table as TableOf<StateName>).states[row.to]
  const next: MachineState = {
    ...state,
    name: row.to,
    status: to.status,
    phase: to.phase === 'waiting' && !state.online ? 'offline' : to.phase,
    attempt: attempts === 'forget' ? 0 : state.attempt + (attempts === 'count' ? 1 : 0),
  }

  // Effects follow from what differs between the two states, so that no row can forget one:
  // a link that is left is closed before another is dialed, and polling has one begin and one end.
  const dials = to.link === 'dialing' && (afresh || from.link !== 'dialing')
  const effects = [
    from.link !== 'none' && (dials || to.link === 'none') && 'closeLink',
    from.polls && !to.polls && 'stopPolling',
    !from.polls && to.polls && 'startPolling',
    dials && 'dial',
    to.waits && 'wait',
    also,
    from.phase !== 'ready' && to.phase === 'ready' && 'announceReady',
  ].filter(Boolean) as Effect[]
  return [next, effects]
}
