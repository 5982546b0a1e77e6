/** Which numbered messages go with the next POST. */
import type { Rejection } from './delivery.ts'
import type { InFlightWindow } from './in-flight.ts'
import type { OutboxCore } from './outbox-core.ts'

export interface PostBatches {
  /** The messages of the next POST, as JSON, within rate and size. Calls no listener. */
  nextBatch(): readonly string[]
  /** The server may or may not have applied the batch: it goes again, in smaller ones. */
  batchLost(): void
  /** HTTP 413: from now on one message per POST; one that was alone already is rejected as `invalid`. */
  shrinkBatch(): void
  /** The server has acknowledged something. */
  acked(): void
  /** A link is ready: what POSTs were too large is forgotten. */
  reset(): void
}

/** A body joins messages up to so many characters, which are three bytes each at most. */
const MAX_BODY_CHARACTERS = 21_000
const ENDLESS: number = Number.POSITIVE_INFINITY
const INVALID: Rejection = { reason: 'invalid' }

export const createPostBatches = <Message>(
  core: OutboxCore<Message>,
  inFlight: InFlightWindow<Message>,
): PostBatches => {
  /** Most characters per POST; 0: one message. */
  let maxBody = MAX_BODY_CHARACTERS
  /** Most messages per POST; halved after a loss, since it was perhaps too much for its time, and doubled by an ack. */
  let maxBatch = ENDLESS

  return {
    nextBatch() {
      const frames: string[] = []
      let length = 0
      let wait = 0
      inFlight.rewind()
      while (frames.length < maxBatch && inFlight.isDue()) {
        // What is due next would make the body too large: it goes with the one after this.
        if (length && length + inFlight.nextLength() > maxBody) break
        wait = core.delay()
        if (wait) break
        core.spend()
        const { frame } = inFlight.next()
        length += frame.length
        frames.push(frame)
      }
      core.pumpAfter(wait || ENDLESS)
      return frames
    },
    batchLost() {
      const sent = inFlight.sent()
      if (sent) maxBatch = Math.ceil(sent / 2)
      inFlight.countLosses()
    },
    shrinkBatch() {
      const sent = inFlight.sent()
      const first = inFlight.first()
      if (sent > 1) maxBody = 0
      else if (sent && first?.entry) inFlight.giveUp(first, 'rejected', INVALID)
      else return
      inFlight.rewind()
      core.pump()
    },
    acked() {
      maxBatch *= 2
    },
    reset() {
      maxBatch = ENDLESS
      maxBody = MAX_BODY_CHARACTERS
    },
  }
}
