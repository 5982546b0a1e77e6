/** What has a `seq` of protocol v1 and is not acknowledged yet. */
import { createFifo, type Fifo } from '../shared/fifo.ts'
import type { DeliveryState, Rejection, RejectReason } from './delivery.ts'
import type { OutboxCore } from './outbox-core.ts'
import type { QueuedMessage } from './send-queue.ts'

/** A `seq` in use; without an entry its message is given up, and a `skip` goes in its place. */
export interface InFlight<Message> {
  readonly seq: number
  entry: QueuedMessage<Message> | undefined
  /** Links it was lost with. */
  losses: number
  suspectedTooLarge?: boolean
}

export interface SequenceDeps {
  /** On so many more links a message is tried. */
  readonly retries: number
  /** Messages in flight, at most. */
  readonly maxInFlight: number
  /** A message has a `seq` of the application's, which the session's replaces. */
  onSeqReplaced(): void
}

export interface InFlightWindow<Message> {
  /** Everything up to this `seq` is applied. False if it was never sent. */
  acked(seq: number): boolean
  /** The server refused the message with this `seq`, which is used up. */
  refused(seq: number, code: string, detail?: string): void
  /** Settles all as `unknown` and restarts `seq` at 1. */
  lost(): void
  /** How many have a `seq`. */
  size(): number
  /** How many were sent on this link, or with this POST. */
  sent(): number
  /** The oldest. */
  first(): InFlight<Message> | undefined
  /** Something has or can get a `seq` on this link: what was sent on older ones first, then what is new. */
  isDue(): boolean
  /** How many characters the frame of the next `seq` will have, about. */
  nextLength(): number
  /** The frame of the next `seq`. */
  next(): { readonly frame: string; readonly inFlight: InFlight<Message> }
  /** Settles a message; its `seq` stays used up. */
  giveUp(inFlight: InFlight<Message> | undefined, state: DeliveryState, rejection?: Rejection): void
  /** From this `seq` on (absent: from the last ack) everything goes out once more. */
  rewind(seq?: number): void
  /** What was sent may not have arrived. */
  countLosses(): void
  /** Settles as `unknown` what was lost with too many links. False if nothing was lost since this was called last. */
  giveUpLost(): boolean
  /** Rejects the largest that was sent, once the server has said that it did not apply it. */
  suspectLargest(): void
  /** So many may be in flight from now on; absent: messages are not numbered. */
  begin(maxInFlight: number | undefined): void
}

/** What a `seq` adds to a frame, at most. */
const SEQ_OVERHEAD_BYTES = 24
/** How a message begins that has a `seq` of the application's. */
const OWN_SEQ = '{"seq":'
const INVALID: Rejection = { reason: 'invalid' }

/** What the server's code means to the sender; any other code is `refused`, and `undefined` is `unknown`. */
const REASONS: Readonly<Record<string, RejectReason | undefined>> = {
  BAD_MESSAGE: 'invalid',
  TOO_LARGE: 'invalid',
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'unauthorized',
  // A handler that did not end in time may still go on.
  TIMEOUT: undefined,
}

const withoutSeq = (frame: string): string => {
  const { seq, ...others } = JSON.parse(frame) as Record<string, unknown>
  return JSON.stringify(others)
}

export const createInFlight = <Message>(
  core: OutboxCore<Message>,
  deps: SequenceDeps,
): InFlightWindow<Message> => {
  const { queue } = core
  /** In the order of their `seq`, which is dense; so many of them were sent on this link. */
  let flight: Fifo<InFlight<Message>> = createFifo()
  let sent = 0
  let lastSeq = 0
  let maxInFlight = 0
  let hasLosses = false
  let hasSuspects = false

  const giveUp: InFlightWindow<Message>['giveUp'] = (inFlight, state, rejection) => {
    const entry = inFlight?.entry
    if (!inFlight || !entry) return
    inFlight.entry = undefined
    queue.settle(entry, state, rejection)
  }

  const lost = (): void => {
    const settling = flight.slice()
    flight = createFifo()
    sent = lastSeq = 0
    for (const each of settling) giveUp(each, 'unknown')
  }

  return {
    acked(seq) {
      if (seq > lastSeq) return false
      for (let first = flight.at(0); first && first.seq <= seq; first = flight.at(0)) {
        flight.shift()
        sent = Math.max(0, sent - 1)
        giveUp(first, 'acked')
      }
      if (hasSuspects) {
        for (const each of flight.slice()) {
          if (each.suspectedTooLarge) giveUp(each, 'rejected', INVALID)
        }
      }
      hasSuspects = false
      return true
    },
    refused(seq, code, detail) {
      const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : 'refused'
      const inFlight = flight.at(seq - (flight.at(0)?.seq ?? 0))
      if (reason) giveUp(inFlight, 'rejected', { reason, code, detail })
      else giveUp(inFlight, 'unknown')
    },
    lost,
    size: () => flight.length,
    sent: () => sent,
    first: () => flight.at(0),
    isDue: () =>
      sent < flight.length || (flight.length < maxInFlight && queue.firstSequenced() !== undefined),
    nextLength() {
      const entry = sent < flight.length ? flight.at(sent)?.entry : queue.firstSequenced()
      return ((entry?.frame as string | undefined)?.length ?? 0) + SEQ_OVERHEAD_BYTES
    },
    next() {
      if (sent === flight.length) {
        const entry = queue.firstSequenced() as QueuedMessage<Message>
        queue.remove(entry)
        entry.delivery.state = 'in-flight'
        flight.push({ seq: ++lastSeq, entry, losses: 0 })
      }
      const inFlight = flight.at(sent++) as InFlight<Message>
      const { seq, losses, entry } = inFlight
      if (!entry) return { frame: `{"type":"skip","data":{"seq":${seq}}}`, inFlight }
      entry.delivery.attempts = losses + 1
      let frame = entry.frame as string
      if (frame.startsWith(OWN_SEQ)) {
        frame = withoutSeq(frame)
        deps.onSeqReplaced()
      }
      return { frame: `{"seq":${seq},${frame.slice(1)}`, inFlight }
    },
    giveUp,
    rewind(seq) {
      sent = seq === undefined ? 0 : seq - (flight.at(0) as InFlight<Message>).seq
    },
    countLosses() {
      for (const each of flight.slice(0, sent)) each.losses++
      sent = 0
      hasLosses = true
    },
    giveUpLost() {
      if (!hasLosses) return false
      hasLosses = false
      for (const each of flight.slice()) if (each.losses > deps.retries) giveUp(each, 'unknown')
      return true
    },
    suspectLargest() {
      const [largest] = flight
        .slice(0, sent)
        .filter(({ entry }) => entry)
        .sort((a, b) => (b.entry?.bytes ?? 0) - (a.entry?.bytes ?? 0))
      if (!largest) return
      largest.suspectedTooLarge = hasSuspects = true
    },
    begin(atMost) {
      maxInFlight = Math.min(atMost ?? 0, deps.maxInFlight)
      core.overheadBytes = atMost ? SEQ_OVERHEAD_BYTES : 0
      sent = 0
    },
  }
}
