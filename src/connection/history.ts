/** The last changes of status. */
import { createFifo } from '../shared/fifo.ts'
import type { StateChange, Status } from './states.ts'

export interface History {
  add(from: Status, to: Status, timestamp: number, reason: string | undefined): StateChange
  /** Oldest first; the same array until something is added. */
  list(): readonly StateChange[]
}

export const createHistory = (limit: number): History => {
  const changes = createFifo<StateChange>()
  let shown: readonly StateChange[] | undefined
  return {
    add(from, to, timestamp, reason) {
      const change = { from, to, timestamp, ...(reason && { reason }) }
      changes.push(change)
      if (changes.length > limit) changes.shift()
      shown = undefined
      return change
    },
    list() {
      shown ??= changes.slice()
      return shown
    },
  }
}
