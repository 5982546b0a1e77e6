/** What the client sends, followed from `send()` to the server's application: its side of the ledger. */
import type { Delivery, DeliveryState } from '../../src/index.ts'

/** What a run allows to become of what is sent. Anything else must arrive. */
export interface OutboundRules {
  /** Reasons of `rejected` that something in the run can have caused. */
  readonly rejections: ReadonlySet<string>
  /** Where no wire is watched: something in the run can have caused `unknown`. */
  readonly unknown?: boolean
  /** Where the wire is watched: links that a message may be lost with before it is `unknown`. */
  readonly retries?: number
  /** How many may wait. */
  readonly queueLimit?: number | undefined
  /** How many may be on their way. */
  readonly mostInFlight?: number
}

/** One message at the moment of `send()`. */
export interface Sending {
  readonly user: string
  readonly urgent: boolean
  /** By the client's monotonic clock. */
  readonly expiresAt?: number
  /** An answer is expected. */
  readonly asks?: boolean
  /** ms of the run. */
  readonly at?: number
  /** Nothing goes wrong any more. */
  readonly calm?: boolean
}

/** One appearance of a message on a wire. */
export interface Written {
  readonly number: number
  /** It had a place. */
  readonly placed: boolean
  /** The link, or the request, that carried it. */
  readonly link: object
  /** The `tok` of the incarnation that its place is in; none without a place. */
  readonly tok?: string | undefined
  /** ms of the run. */
  readonly at: number
  /** The client's monotonic clock. */
  readonly clientNow: number
}

interface Sent extends Sending {
  delivery: Delivery | undefined
  state: DeliveryState | undefined
  reason: string | undefined
  settled: number
  applied: number
  /** The server's application has refused it. */
  refused: boolean
  readonly links: Set<object>
  /** It was on a wire without a place. */
  plain: boolean
  /** The `tok` of the incarnation in which it was first on a wire. */
  tok: string | undefined
  reply: 'none' | 'heard' | 'resolved' | 'failed'
}

export interface Outbound {
  readonly counts: { sent: number; applied: number }
  sends(number: number, sending: Sending): void
  /** `send()` threw: nothing was promised. */
  unsent(number: number): void
  sent(number: number, delivery: Delivery): void
  settled(number: number, state: DeliveryState, reason?: string, now?: number): void
  written(written: Written): void
  /** `tok`: of the incarnation whose place it has used up. */
  applied(number: number, user: string, tok?: string): void
  refused(number: number): void
  /** The server was presented this `tok`, and keeps it no more. */
  forgotten(tok: string): void
  /** It is another user from now on; or the client is closed. */
  renounced(): void
  /** The message that answers was heard. */
  heardReply(number: number, link: object | undefined): void
  answered(number: number, data: unknown): void
  unanswered(number: number, code: string): void
  /** Messages that are not settled. */
  open(): number
  finish(): void
}

/** Codes that a request may fail with, by what became of its message. */
const FAILURES: Readonly<Record<string, readonly string[]>> = {
  acked: ['TIMEOUT'],
  rejected: ['NOT_SENT', 'INTERNAL', 'FORBIDDEN', 'TIMEOUT'],
  unknown: ['UNKNOWN', 'TIMEOUT'],
  sent: ['TIMEOUT', 'INTERNAL', 'FORBIDDEN', 'RATE_LIMITED'],
}

const NEVER_WRITTEN = ['expired', 'overflow', 'identity', 'closed']

export const createOutbound = (
  rules: OutboundRules,
  violation: (words: string) => void,
): Outbound => {
  const { rejections, retries, unknown = false, queueLimit, mostInFlight } = rules
  const entries = new Map<number, Sent>()
  /** Neither settled nor ever written, in the order of `send()`. */
  const waiting = { urgent: new Set<number>(), normal: new Set<number>() }
  /** Presented, and kept no more. */
  const forgotten = new Set<string>()
  /** By user and urgency: what one of them has in the air does not bind another. */
  const lastApplied = new Map<string, number>()
  const counts = { sent: 0, applied: 0 }
  const flying = new Set<number>()
  let open = 0
  let renounced = 0
  const eras = new Map<number, number>()

  const lineOf = ({ urgent }: Sent): Set<number> => (urgent ? waiting.urgent : waiting.normal)

  const mayBeUnknown = (number: number, entry: Sent): boolean =>
    retries === undefined
      ? unknown
      : entry.links.size > 0 &&
        (entry.links.size > retries ||
          forgotten.has(`${entry.tok}`) ||
          eras.get(number) !== renounced)

  const judge = (number: number, entry: Sent, now?: number): void => {
    const { state, reason, links, expiresAt = 0 } = entry
    const words = `${number} is ${state}${reason ? ` (${reason})` : ''}`
    if (state === 'acked' && entry.applied !== 1) {
      violation(`${words} and was applied ${entry.applied} times`)
    }
    if (state === 'unknown' && entry.calm) violation(`${words}, though nothing went wrong`)
    if (state === 'unknown' && !mayBeUnknown(number, entry)) {
      violation(`${words} without a cause: it was written on ${links.size} links`)
    }
    if (state === 'sent' && !entry.plain) violation(`${words}, though its link has acks`)
    if (state !== 'rejected') return
    const isTimeout = entry.asks && reason === 'expired'
    if (!rejections.has(`${reason}`) && !isTimeout) violation(`${words} needlessly`)
    if (links.size && NEVER_WRITTEN.includes(`${reason}`)) violation(`${words} and was written`)
    if (reason === 'refused' && !entry.refused && retries !== undefined) {
      violation(`${words}, but nobody refused it`)
    }
    if (reason === 'identity' && retries !== undefined && eras.get(number) === renounced) {
      violation(`${words}, but its user is still there`)
    }
    // A request is timed by a timer alone, and timers go on where a sleeping machine's monotonic clock stands still.
    if (reason === 'expired' && !isTimeout && now !== undefined && now < expiresAt) {
      violation(`${words} ${expiresAt - now} ms too early`)
    }
    const queued = waiting.urgent.size + waiting.normal.size
    if (reason !== 'overflow' || queueLimit === undefined) return
    if (queued < queueLimit) violation(`${words} with ${queued} others in the queue`)
    if (entry.urgent && waiting.urgent.size < queueLimit) {
      violation(`${words}, though it was urgent`)
    }
  }

  return {
    counts,
    sends(number, sending) {
      counts.sent++
      open++
      if (queueLimit !== undefined) {
        let long = 0
        for (const each of [...waiting.urgent, ...waiting.normal]) {
          if ((entries.get(each)?.at ?? 0) < (sending.at ?? 0)) long++
        }
        if (long > queueLimit) violation(`${long} messages wait where ${queueLimit} may`)
      }
      eras.set(number, renounced)
      const entry: Sent = {
        ...sending,
        delivery: undefined,
        state: undefined,
        reason: undefined,
        settled: 0,
        applied: 0,
        refused: false,
        links: new Set(),
        plain: false,
        tok: undefined,
        reply: 'none',
      }
      entries.set(number, entry)
      lineOf(entry).add(number)
    },
    unsent(number) {
      const entry = entries.get(number)
      if (!entry) return
      if (entry.links.size) violation(`${number} was written though send() threw`)
      lineOf(entry).delete(number)
      entries.delete(number)
      counts.sent--
      open--
    },
    sent(number, delivery) {
      const entry = entries.get(number)
      if (entry) entry.delivery = delivery
    },
    settled(number, state, reason, now) {
      const entry = entries.get(number)
      if (!entry) return violation(`${number} was settled and never sent`)
      if (++entry.settled > 1) return violation(`${number} (${state}) was settled again`)
      open--
      flying.delete(number)
      lineOf(entry).delete(number)
      entry.state = state
      entry.reason = reason
      judge(number, entry, now)
    },
    written({ number, placed, link, tok, at, clientNow }) {
      const entry = entries.get(number)
      if (!entry) return violation(`${number} was written and never sent`)
      const isOver = entry.state === 'acked' || entry.refused
      if (entry.settled && !(isOver && entry.links.size)) {
        violation(`${number} was written after it was ${entry.state}`)
      }
      if (!placed) entry.plain = true
      if (!entry.links.size) {
        entry.tok = tok
        const line = lineOf(entry)
        const [first] = line
        if (first !== undefined && first !== number && !entry.settled) {
          violation(`${number} was written before ${first}`)
        }
        line.delete(number)
        const [urgent] = entry.urgent ? [] : waiting.urgent
        const before = urgent === undefined ? undefined : entries.get(urgent)?.at
        if (before !== undefined && before < at) {
          violation(`${number} was written before ${urgent}, which is urgent`)
        }
        if (clientNow > (entry.expiresAt ?? Number.POSITIVE_INFINITY)) {
          violation(`${number} was written after it had expired`)
        }
      }
      entry.links.add(link)
      if (placed && !entry.settled) flying.add(number)
      if (mostInFlight !== undefined && flying.size > mostInFlight) {
        violation(`${flying.size} messages are in flight where ${mostInFlight} may be`)
      }
    },
    applied(number, user, tok) {
      counts.applied++
      const entry = entries.get(number)
      if (!entry) return violation(`applied ${number}, which was never sent`)
      if (++entry.applied > 1) violation(`applied ${number} ${entry.applied} times`)
      if (entry.user !== user) violation(`applied ${number} of '${entry.user}' as '${user}'`)
      if (entry.refused) violation(`applied ${number}, which was refused`)
      if (retries !== undefined && !entry.plain && tok !== entry.tok) {
        violation(`applied ${number} in another session than it was first sent in`)
      }
      const line = `${entry.urgent} ${user}`
      const last = lastApplied.get(line) ?? 0
      if (number < last) violation(`applied ${number} after ${last}`)
      lastApplied.set(line, number)
    },
    refused(number) {
      const entry = entries.get(number)
      if (entry) entry.refused = true
    },
    forgotten: tok => void forgotten.add(tok),
    renounced: () => void renounced++,
    heardReply(number, link) {
      const entry = entries.get(number)
      if (!entry) return violation(`an answer to ${number}, which was never sent`)
      if (entry.reply === 'heard' || entry.reply === 'resolved') {
        return violation(`${number} was answered twice`)
      }
      if (entry.reply === 'none') entry.reply = 'heard'
      if (link && !entry.links.has(link)) violation(`${number} was answered on another link`)
    },
    answered(number, data) {
      const entry = entries.get(number)
      if (!entry) return
      if (entry.reply !== 'heard') violation(`${number} was answered without an answer`)
      entry.reply = 'resolved'
      if (data !== number) violation(`${number} was answered as ${data}`)
      if (entry.applied !== 1) violation(`${number} was answered and not applied`)
    },
    unanswered(number, code) {
      const entry = entries.get(number)
      if (!entry) return
      if (entry.reply === 'heard') violation(`${number} was answered, but failed: ${code}`)
      entry.reply = 'failed'
      const { state } = entry
      // An answer for a user who has gone is nobody's.
      const isOver = state === 'acked' || state === 'sent'
      if (code === 'UNKNOWN' && isOver && eras.get(number) !== renounced) return
      if (!(FAILURES[`${state}`] ?? ['TIMEOUT']).includes(code)) {
        violation(`the request ${number} (${state}) failed: ${code}`)
      }
    },
    open: () => open,
    finish() {
      for (const [number, entry] of entries) {
        const { state, delivery, applied, asks, reply } = entry
        const now = delivery?.state ?? state
        if (!state) violation(`${number} is ${now ?? 'not settled'}`)
        else if (now !== state) violation(`${number} is ${now} and was told as ${state}`)
        if (state === 'acked' ? applied !== 1 : state === 'rejected' && applied > 0) {
          violation(`${number} is ${state} and was applied ${applied} times`)
        }
        if (asks && (reply === 'none' || reply === 'heard')) violation(`${number} has no answer`)
      }
    },
  }
}
