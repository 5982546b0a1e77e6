/** The last error of the connection, and who hears of each. */
import {
  type ErrorCode,
  type ErrorFacts,
  type ResilientWebSocketError,
  toError,
} from '../errors.ts'
import type { RunLoop } from './run-loop.ts'

export interface Faults {
  /** The last one that is shown; OPEN clears it, and an answered poll clears one of polling. */
  readonly last: ResilientWebSocketError | null
  /** The WebSocket is probed beside polling. The connection's to set. */
  isProbing: boolean
  /** Something went wrong in the step under way: `error` is told after it. */
  raise(code: ErrorCode, error: unknown, facts?: ErrorFacts): void
  /** Something went wrong that changes no state: `error` is told at once, or after the step under way. */
  report(code: ErrorCode, error: unknown, facts?: ErrorFacts): void
  /** `instead`: an older error that is still true. */
  clear(instead?: ResilientWebSocketError): void
}

export const createFaults = (
  loop: RunLoop,
  onError: (error: ResilientWebSocketError) => void,
): Faults => {
  let last: ResilientWebSocketError | null = null

  const raise: Faults['raise'] = (code, error, facts) => {
    const fault = toError(code, error, facts)
    // While polls fail, a probe of the WebSocket that fails, too, must not hide why no data comes.
    const isOfProbe = (code === 'FAILED' || code === 'LOST') && faults.isProbing
    if (!isOfProbe || last?.code !== 'POLL') last = fault
    loop.notify(() => onError(fault))
  }

  const faults: Faults = {
    get last() {
      return last
    },
    isProbing: false,
    raise,
    report(code, error, facts) {
      raise(code, error, facts)
      loop.settle()
    },
    clear(instead) {
      last = instead ?? null
    },
  }
  return faults
}
