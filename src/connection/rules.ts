/** Functions of the application that decide something at once: `reconnect.when`, `reconnect.jitter`. */
import type { Log } from '../shared/log.ts'
import { isLate } from '../shared/promises.ts'
import type { Faults } from './faults.ts'

/**
 * Asks a rule. `undefined`, and the default counts, where it throws (logged) or gives a promise (reported once for each
 * rule, as `BAD_OPTION`).
 */
export type AskRule = <T>(name: string, expected: string, rule: () => T) => T | undefined

export const createRules = (log: Log, faults: Faults): AskRule => {
  /** Rules that gave a promise and were reported. */
  const reported = new Set<string>()
  return (name, expected, rule) => {
    try {
      const answer = rule()
      if (!isLate(answer)) return answer
      if (!reported.has(name)) {
        reported.add(name)
        const message = `${name}: expected ${expected} at once, got a promise; it counts for nothing`
        faults.raise('BAD_OPTION', new TypeError(message))
      }
    } catch (error) {
      log('error', `${name} threw: ${error}`)
    }
    return undefined
  }
}
