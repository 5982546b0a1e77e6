/** The sequence of protocol v1: which `seq` each message has, and what the server has acknowledged of it. */
import { createFifo, type Fifo } from '../shared/fifo.ts'
import type { DeliveryState, Rejection, RejectReason } from './delivery.ts'
import { createJoinedSender } from './joined-sender.ts'
import type { OutboxCore } from './outbox.ts'
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

/** What the session, its handlers and the POST loop ask of the sequence. */
export interface Sequence {
  /** Everything up to this `seq` is applied. False if it was never sent. */
  acked(seq: number): boolean
  /** The server refused the message with this `seq`, which is used up. */
  refused(seq: number, code: string, detail?: string): void
  /** The session is lost: settles in-flight messages as `unknown` and restarts `seq` at 1. */
  lost(): void
  /** Something waits to be posted, or to be acknowledged. */
  isWaiting(): boolean
  /** To be called before `nextBatch()`: settles what cannot be posted. Listeners hear of it, and may do anything. */
  rejectUnsendable(): void
  /** The messages of the next POST, as JSON, within rate and size. Calls no listener. */
  nextBatch(): readonly string[]
  /** The server may or may not have applied the batch: it goes again, in smaller ones. */
  batchLost(): void
  /** HTTP 413: from now on one message per POST; one that was alone already is rejected as `invalid`. */
  shrinkBatch(): void
  /**
   * The link was closed because a message was too large: rejects the largest that was sent on it, once the server has
   * said that it did not apply it.
   */
  suspectLargest(): void
  /** Messages are numbered: on this link, or by POST. */
  isActive(): boolean
  /** What a `seq` adds to a message, at most. */
  overheadBytes(): number
  /** A link is ready; `maxInFlight` is absent where it has no sequence. */
  linkReady(maxInFlight: number | undefined): void
  linkClosed(): void
  /** Writes what may leave now; returns how long the rest has to wait, in ms. */
  write(): number
  /** Gives up what a live link refused. False if that is nothing. */
  settleRefused(): boolean
  /** Settles as `unknown` what was lost with too many links. */
  giveUpLost(): void
  /** What is in flight goes out once more, from the last ack. */
  rewind(): void
}

/** What the joined sender takes from. */
export interface Window<Message> {
  /** Something has or can get a `seq` on this link: what was sent on older ones first, then what is new. */
  isDue(): boolean
  /** The frame of the next `seq`. */
  next(): { readonly frame: string; readonly inFlight: InFlight<Message> }
  /** From this `seq` on everything goes out once more. */
  rewindTo(seq: number): void
}

/** What a `seq` adds to a frame, at most. */
const SEQ_OVERHEAD_BYTES = 24
/** A POST body joins messages up to so many characters, which are three bytes each at most. */
const MAX_BODY_CHARACTERS = 21_000
/** How a message begins that has a `seq` of the application's. */
const OWN_SEQ = '{"seq":'
const ENDLESS: number = Number.POSITIVE_INFINITY

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

export const createSequence =
  (deps: SequenceDeps) =>
  <Message>(core: OutboxCore<Message>): Sequence => {
    const { queue } = core
    /** What has a `seq` and is not acknowledged, in order; so much of it was sent on this link. */
    let flight: Fifo<InFlight<Message>> = createFifo()
    let sent = 0
    let lastSeq = 0
    /** How much may be in flight; undefined where messages are not numbered. */
    let maxInFlight: number | undefined
    let hasSuspects = false
    /** Most characters per POST; 0: one message. */
    let maxBody = MAX_BODY_CHARACTERS
    /** Most messages per POST; halved after a loss, since it was perhaps too much for its time, and doubled by an ack. */
    let maxBatch = ENDLESS

    /** Settles what is in flight; its `seq` stays used up. */
    const giveUp = (
      inFlight: InFlight<Message> | undefined,
      state: DeliveryState,
      rejection?: Rejection,
    ): void => {
      const entry = inFlight?.entry
      if (!inFlight || !entry) return
      inFlight.entry = undefined
      queue.settle(entry, state, rejection)
    }

    const isDue = (): boolean =>
      sent < flight.length ||
      (flight.length < (maxInFlight as number) && queue.firstSequenced() !== undefined)

    const next: Window<Message>['next'] = () => {
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
    }

    /** How many characters the frame of the next `seq` will have, about. */
    const nextLength = (): number => {
      const entry = sent < flight.length ? flight.at(sent)?.entry : queue.firstSequenced()
      return ((entry?.frame as string | undefined)?.length ?? 0) + SEQ_OVERHEAD_BYTES
    }

    const lost = (): void => {
      const settling = flight.slice()
      flight = createFifo()
      sent = lastSeq = 0
      for (const each of settling) giveUp(each, 'unknown')
    }

    const countLosses = (): void => {
      for (const each of flight.slice(0, sent)) each.losses++
      sent = 0
      core.recheck()
    }

    const sender = createJoinedSender(core, {
      isDue,
      next,
      rewindTo(seq) {
        sent = seq - (flight.at(0) as InFlight<Message>).seq
      },
    })

    return {
      acked(seq) {
        if (seq > lastSeq) return false
        maxBatch *= 2
        for (let first = flight.at(0); first && first.seq <= seq; first = flight.at(0)) {
          flight.shift()
          sent = Math.max(0, sent - 1)
          giveUp(first, 'acked')
        }
        if (hasSuspects) {
          for (const each of flight.slice()) {
            if (each.suspectedTooLarge) giveUp(each, 'rejected', { reason: 'invalid' })
          }
        }
        hasSuspects = false
        core.pump()
        return true
      },
      refused(seq, code, detail) {
        const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : 'refused'
        // What is in flight is numbered densely from its head.
        const inFlight = flight.at(seq - (flight.at(0)?.seq ?? 0))
        if (reason) giveUp(inFlight, 'rejected', { reason, code, detail })
        else giveUp(inFlight, 'unknown')
      },
      lost,
      isWaiting: () => flight.length > 0 || queue.firstSequenced() !== undefined,
      rejectUnsendable() {
        if (maxInFlight === undefined) {
          maxInFlight = deps.maxInFlight
          core.recheck()
        }
        // Its timer may be late, after a freeze.
        core.rejectUnsendable()
      },
      nextBatch() {
        const frames: string[] = []
        let length = 0
        let wait = 0
        sent = 0
        while (frames.length < maxBatch && isDue()) {
          // What is due next would make the body too large: it goes with the one after this.
          if (length && length + nextLength() > maxBody) break
          wait = core.delay()
          if (wait) break
          core.spend()
          const { frame } = next()
          length += frame.length
          frames.push(frame)
        }
        core.pumpAfter(wait || ENDLESS)
        return frames
      },
      batchLost() {
        if (sent) maxBatch = Math.ceil(sent / 2)
        countLosses()
      },
      shrinkBatch() {
        if (sent > 1) maxBody = 0
        else if (sent && flight.at(0)?.entry) {
          giveUp(flight.at(0), 'rejected', { reason: 'invalid' })
        } else return
        sent = 0
        core.pump()
      },
      suspectLargest() {
        const [largest] = flight
          .slice(0, sent)
          .filter(({ entry }) => entry)
          .sort((a, b) => (b.entry?.bytes ?? 0) - (a.entry?.bytes ?? 0))
        if (!largest) return
        largest.suspectedTooLarge = hasSuspects = true
      },
      isActive: () => maxInFlight !== undefined,
      overheadBytes: () => (maxInFlight === undefined ? 0 : SEQ_OVERHEAD_BYTES),
      linkReady(atMost) {
        maxInFlight = atMost && Math.min(atMost, deps.maxInFlight)
        maxBatch = ENDLESS
        maxBody = MAX_BODY_CHARACTERS
        sent = 0
        // A server without sessions does not know what was sent to the one before.
        if (!maxInFlight) lost()
      },
      linkClosed: countLosses,
      write: sender.write,
      settleRefused() {
        const refusals = sender.takeRefusals()
        for (const { inFlight, cause } of refusals) {
          // An older link may have carried it to the server.
          if (inFlight?.losses) giveUp(inFlight, 'unknown')
          else giveUp(inFlight, 'rejected', { reason: 'invalid' })
          core.onRefused(cause)
        }
        return refusals.length > 0
      },
      giveUpLost() {
        for (const each of flight.slice()) {
          if (each.losses > deps.retries) giveUp(each, 'unknown')
        }
      },
      rewind() {
        sent = 0
      },
    }
  }
