/** Timers that run as long as the connection is in states that name them. */
import type { Timers } from '../shared/timers.ts'
import { type MachineState, timerRuns } from './machine.ts'
import type { EventName, StateTimer } from './states.ts'
import type { Table } from './transitions.ts'

export interface StateTimers {
  /** Arms and clears what differs between two states. A timer that fired is armed only after a state without it. */
  follow(before: MachineState, after: MachineState, table: Table): void
  /** How long each runs, in ms; `undefined` or `Infinity`: never. */
  limit(afterMs: Readonly<Record<StateTimer, number | undefined>>): void
}

const REASONS: Readonly<Record<StateTimer, string | undefined>> = {
  stabilised: undefined,
  overdue: 'Connection overdue',
  gaveUp: 'Gave up',
}

export const createStateTimers = (
  timers: Timers,
  onDue: (event: EventName, reason: string | undefined) => void,
): StateTimers => {
  let limits: Readonly<Partial<Record<StateTimer, number | undefined>>> = {}
  return {
    follow(before, after, table) {
      for (const timer of Object.keys(REASONS) as StateTimer[]) {
        const delayMs = limits[timer] ?? Number.POSITIVE_INFINITY
        if (!timerRuns(timer, after, table)) timers.clear(timer)
        else if (!timerRuns(timer, before, table) && delayMs < Number.POSITIVE_INFINITY) {
          timers.set(timer, delayMs, () => onDue(timer, REASONS[timer]))
        }
      }
    },
    limit(afterMs) {
      limits = afterMs
    },
  }
}
