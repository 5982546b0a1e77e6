/** Timers that run as long as the connection is in states that name them. */
import type { Timers } from '../shared/timers.ts'
import { type MachineState, timerRuns } from './machine.ts'
import type { EventName, StateTimer } from './states.ts'
import type { Table } from './transitions.ts'

export interface StateTimers {
  /** Arms and clears what differs between two states. A timer that fired is armed only after a state without it. */
  follow(before: MachineState, after: MachineState): void
}

const REASONS: Readonly<Record<StateTimer, string | undefined>> = {
  stabilised: undefined,
  overdue: 'Connection overdue',
  gaveUp: 'Gave up',
}

/** `afterMs`: of each timer, in ms; `undefined` or `Infinity`: never. */
export const createStateTimers = (
  timers: Timers,
  table: Table,
  afterMs: Readonly<Record<StateTimer, number | undefined>>,
  onDue: (event: EventName, reason: string | undefined) => void,
): StateTimers => ({
  follow(before, after) {
    for (const timer of Object.keys(REASONS) as StateTimer[]) {
      const delayMs = afterMs[timer] ?? Number.POSITIVE_INFINITY
      if (!timerRuns(timer, after, table)) timers.clear(timer)
      else if (!timerRuns(timer, before, table) && delayMs < Number.POSITIVE_INFINITY) {
        timers.set(timer, delayMs, () => onDue(timer, REASONS[timer]))
      }
    }
  },
})
