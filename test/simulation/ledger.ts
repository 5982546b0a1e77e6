/**
 * Knows every message that was sent, applied, published and delivered, and says what was promised and not kept.
 * It knows nothing of how the promise is kept.
 */
import type { Delivery } from '../../src/index.ts'

/** What a run allows to be told as lost. Anything else must arrive. */
export interface Allowances {
  /** Reasons of `gap` that something in the run can have caused. */
  readonly gaps: ReadonlySet<string>
  /** Something in the run can have caused `unknown`. */
  unknown: boolean
  /** Reasons of `rejected`. */
  readonly rejections: ReadonlySet<string>
}

interface Sent {
  readonly delivery: Delivery
  readonly user: string
  readonly urgent: boolean
}

interface Listening {
  /** The last number delivered. */
  last: number | undefined
  /** From the number after this one on, everything is promised. */
  floor: number | undefined
  /** Something was told as lost since `last`. */
  gap: boolean
  /** The server will be heard to confirm. */
  awaited: boolean
}

export interface Ledger {
  readonly violations: string[]
  readonly counts: { sent: number; applied: number; published: number; delivered: number }
  readonly allowed: Allowances
  sent(number: number, sent: { delivery: Delivery; user: string; urgent: boolean }): void
  settled(id: string): void
  applied(number: number, user: string): void
  /** The next number of a channel. */
  publish(channel: string): number
  /** Listening begins, or begins anew: nothing from before is promised. */
  begins(channel: string, awaited?: boolean): void
  ends(channel: string): void
  /** The server has confirmed: what is published from now on is promised. */
  confirmed(channel: string): void
  delivered(channel: string, number: number): void
  gap(channel: string | undefined, reason: string): void
  violation(words: string): void
  /** All is calm: nothing may be open any more. */
  finish(): void
}

export const createLedger = (allowed: Allowances): Ledger => {
  const violations: string[] = []
  const sent = new Map<number, Sent>()
  /** How often each id was settled; some are before `send` returns. */
  const settlements = new Map<string, number>()
  const applied = new Map<number, number>()
  const published = new Map<string, number>()
  const listening = new Map<string, Listening>()
  /** By user and urgency: what one of them has in the air does not bind another. */
  const lastApplied = new Map<string, number>()
  const counts = { sent: 0, applied: 0, published: 0, delivered: 0 }
  const violation = (words: string): void => void violations.push(words)

  return {
    violations,
    counts,
    allowed,
    violation,
    sent(number, { delivery, user, urgent }) {
      counts.sent++
      sent.set(number, { delivery, user, urgent })
    },
    settled: id => void settlements.set(id, (settlements.get(id) ?? 0) + 1),
    applied(number, user) {
      counts.applied++
      const times = (applied.get(number) ?? 0) + 1
      applied.set(number, times)
      const entry = sent.get(number)
      if (!entry) return violation(`applied ${number}, which was never sent`)
      if (times > 1) violation(`applied ${number} ${times} times`)
      if (entry.user !== user) violation(`applied ${number} of '${entry.user}' as '${user}'`)
      const line = `${entry.urgent} ${user}`
      const last = lastApplied.get(line) ?? 0
      if (number < last) violation(`applied ${number} after ${last}`)
      lastApplied.set(line, number)
    },
    publish(channel) {
      counts.published++
      const number = (published.get(channel) ?? 0) + 1
      published.set(channel, number)
      return number
    },
    begins: (channel, awaited = true) =>
      void listening.set(channel, { last: undefined, floor: undefined, gap: false, awaited }),
    ends: channel => void listening.delete(channel),
    confirmed(channel) {
      const state = listening.get(channel)
      if (state) state.floor ??= published.get(channel) ?? 0
    },
    delivered(channel, number) {
      counts.delivered++
      const state = listening.get(channel)
      if (!state) return
      const { last, floor, gap, awaited } = state
      if (last !== undefined && number <= last) {
        violation(`${channel}: ${number} was delivered after ${last}`)
      }
      // Before the server has confirmed, what an older subscription asked for may still come.
      const promised = awaited ? floor : last
      const expected = Math.max(last ?? 0, floor ?? 0)
      if (promised !== undefined && number > expected + 1 && !gap) {
        violation(`${channel}: ${number} was delivered after ${expected} without a word`)
      }
      state.last = Math.max(number, last ?? 0)
      state.gap = false
    },
    gap(channel, reason) {
      if (!allowed.gaps.has(reason)) violation(`${channel}: a needless gap, ${reason}`)
      for (const [name, state] of listening) {
        if (channel === undefined || name === channel) state.gap = true
      }
    },
    finish() {
      for (const [number, { delivery }] of sent) {
        const { id, state, reason } = delivery
        const settled = settlements.get(id) ?? 0
        const times = applied.get(number) ?? 0
        const words = `${number} is ${state}${reason ? ` (${reason})` : ''} and was applied ${times} times`
        if (state === 'acked' ? times !== 1 : state === 'rejected' && times > 0) violation(words)
        if (state === 'unknown' && !allowed.unknown) violation(`${number} is needlessly unknown`)
        if (state === 'rejected' && !allowed.rejections.has(`${reason}`)) {
          violation(`${number} was needlessly rejected: ${reason}`)
        }
        if (!['acked', 'rejected', 'unknown'].includes(state)) violation(`${number} is ${state}`)
        if (settled !== 1) violation(`${number} (${state}) was settled ${settled} times`)
      }
      for (const [channel, { last, floor, gap, awaited }] of listening) {
        const end = published.get(channel) ?? 0
        const reached = Math.max(last ?? 0, floor ?? 0)
        if (floor === undefined && awaited) violation(`${channel} was never confirmed`)
        else if ((last ?? floor) !== undefined && reached < end && !gap) {
          violation(`${channel}: ended at ${reached} of ${end} without a word`)
        }
      }
    },
  }
}
