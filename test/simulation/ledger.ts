/**
 * Knows every message that was sent, applied, published and delivered, and says what was promised and not kept.
 * It knows nothing of how the promise is kept.
 */
import { createInbound, type Inbound, type InboundRules } from './inbound.ts'
import { createOutbound, type Outbound, type OutboundRules } from './outbound.ts'

export type LedgerRules = InboundRules & OutboundRules

export interface Ledger {
  readonly violations: string[]
  readonly out: Outbound
  readonly in: Inbound
  violation(words: string): void
  /** All is calm: nothing may be open any more. `plain`: the last link is one without positions. */
  finish(plain?: boolean): void
}

export const createLedger = (rules: LedgerRules): Ledger => {
  const violations: string[] = []
  const violation = (words: string): void => void violations.push(words)
  const out = createOutbound(rules, violation)
  const inbound = createInbound(rules, violation)
  return {
    violations,
    out,
    in: inbound,
    violation,
    finish(plain = false) {
      out.finish()
      inbound.finish(plain)
    },
  }
}
