/** The sequence of protocol v1: messages that are numbered, acknowledged and sent again. Sessions bring it. */
import { createInFlight, type SequenceDeps } from './in-flight.ts'
import { createJoinedSender } from './joined-sender.ts'
import type { OutboxCore } from './outbox-core.ts'
import { createPostBatches } from './post-batches.ts'

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
}

/** The same in the hands of the outbox. */
export interface OwnedSequence extends Sequence {
  /** A link is ready; `maxInFlight` is absent where it has no sequence. */
  linkReady(maxInFlight: number | undefined): void
  linkClosed(): void
  /** Writes what may leave now; returns how long the rest has to wait, in ms. */
  write(): number
  /** Gives up what a live link refused. False if that is nothing. */
  settleRefused(): boolean
  /** What is in flight goes out once more, from the last ack. */
  rewind(): void
}

export const createSequence =
  (deps: SequenceDeps) =>
  <Message>(core: OutboxCore<Message>): OwnedSequence => {
    const inFlight = createInFlight(core, deps)
    const batches = createPostBatches(core, inFlight)
    const sender = createJoinedSender(core, inFlight)
    return {
      acked(seq) {
        if (!inFlight.acked(seq)) return false
        batches.acked()
        core.pump()
        return true
      },
      refused: inFlight.refused,
      lost: inFlight.lost,
      isWaiting: () => inFlight.size() > 0 || core.queue.firstSequenced() !== undefined,
      rejectUnsendable() {
        if (!core.overheadBytes) {
          inFlight.begin(deps.maxInFlight)
          core.recheck()
        }
        inFlight.giveUpLost()
        // Its timer may be late, after a freeze.
        core.rejectUnsendable()
      },
      nextBatch: batches.nextBatch,
      batchLost: batches.batchLost,
      shrinkBatch: batches.shrinkBatch,
      suspectLargest: inFlight.suspectLargest,
      linkReady(maxInFlight) {
        inFlight.begin(maxInFlight)
        batches.reset()
        // A server without sessions does not know what was sent to the one before.
        if (!maxInFlight) inFlight.lost()
      },
      linkClosed: inFlight.countLosses,
      write() {
        // Before anything is taken: a listener that hears of it may end the link.
        if (inFlight.giveUpLost()) core.rejectUnsendable()
        return sender.write()
      },
      settleRefused() {
        const refusals = sender.takeRefusals()
        for (const { inFlight: refused, cause } of refusals) {
          // An older link may have carried it to the server.
          if (refused?.losses) inFlight.giveUp(refused, 'unknown')
          else inFlight.giveUp(refused, 'rejected', { reason: 'invalid' })
          core.onRefused(cause)
        }
        return refusals.length > 0
      },
      rewind: () => inFlight.rewind(),
    }
  }
