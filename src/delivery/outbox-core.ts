/** What every way of writing shares: the link, the queue, the pace, and the limits of the server. */
import type { LiveLink } from '../connection/link-user.ts'
import { createFifo, type Fifo } from '../shared/fifo.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { createPace } from '../shared/token-bucket.ts'
import { type Frame, FrameRefused } from '../transport/transport.ts'
import type { Rejection } from './delivery.ts'
import { isQueued } from './queue.ts'
import { createSendQueue, type QueuedMessage, type SendQueue } from './send-queue.ts'
import { type AckRules, createUnacked, type Unacked } from './unacked.ts'

export interface OutboxCoreDeps<Message> {
  readonly environment: Environment
  readonly timers: Timers
  /** Messages that wait, at most. */
  readonly limit: number
  /** Bytes of everything that is not settled, at most. */
  readonly maxBytes: number
  /** Messages a second, at most; a lower rate of the server's wins. */
  readonly ratePerSecond: number
  /** The server acknowledges each message by its id. Absent: a message is `sent` once it was written. */
  readonly acks?: AckRules | undefined
  /** A message has got its fate. */
  onSettled(entry: QueuedMessage<Message>): void
  /** A live link refused a frame, which is given up; `cause` is what the socket threw. */
  onRefused(cause: unknown): void
  /** The number of messages that wait is another one than it was when this was called last. */
  onSizeChanged(): void
}

export interface OutboxCore<Message> {
  readonly queue: SendQueue<Message>
  /** What is in flight to a server that acknowledges by id. */
  readonly unacked: Unacked<Message> | undefined
  /** Control messages that wait. */
  readonly controls: Fifo<Frame>
  /** The link that is ready. The outbox's to set. */
  link: LiveLink | undefined
  /** Makes the frame of a message anew as it is written; `undefined`: it leaves as it was made. The outbox's to set. */
  leaving: Leaving | undefined
  /** Bytes that the server takes at once; Infinity: it has named no limit. The outbox's to set. */
  maxPayload: number
  /** What numbering adds to a message, in bytes; 0: messages are not numbered. The sequence's to set. */
  overheadBytes: number
  /** The server takes so many messages a second, unless ours are fewer. */
  limitRate(perSecond: number): void
  /** Nothing leaves for so many ms. */
  pause(delayMs: number): void
  /** A link is new: nothing has left on it. */
  renewPace(): void
  /** How long the next message has to wait, in ms. */
  delay(): number
  /** One message has left. */
  spend(): void
  /** The server takes this message. */
  fits(entry: QueuedMessage<Message>): boolean
  /** The limits changed: messages that wait may not fit any more. */
  recheck(): void
  /**
   * Settles what cannot leave, before anything is taken from the queue: a listener that hears of it in the midst of that
   * may end the link, and what was taken and not written yet would count as lost with it.
   */
  rejectUnsendable(): void
  /** Writes a frame, and returns why the live link refuses this frame if it does. Throws if the link takes none. */
  write(frame: Frame): FrameRefused | undefined
  /** Writes a message to a link without a sequence: it is `sent` then, unless the server acknowledges by id. */
  writeMessage(entry: QueuedMessage<Message>): void
  onRefused(cause: unknown): void
  /** Tells of another size, if it is one. */
  notifySize(): void
  /** Pumps after so many ms, or when a message expires. */
  pumpAfter(delayMs: number): void
  /** Writes what may leave now. */
  pump(): void
}

/** Makes the frame of a message anew as it is written: what names the connection in it may be another by then. */
export type Leaving = (frame: Frame, id: string, channel: string | undefined) => Frame

/** With more than this unsent in the socket the rest waits here, where it is counted and kept. */
const HIGH_WATER_BYTES = 1_048_576
/** How soon to look again whether a socket takes more, in ms. */
export const RETRY_WRITE_MS = 50
export const ENDLESS: number = Number.POSITIVE_INFINITY
export const INVALID: Rejection = { reason: 'invalid' }

/** `pump`: what the outbox does when a timer says that something may leave. */
export const createOutboxCore = <Message>(
  deps: OutboxCoreDeps<Message>,
  pump: () => void,
): OutboxCore<Message> => {
  const { environment, timers, ratePerSecond, onRefused } = deps
  const { monotonicNow } = environment
  const pace = createPace(ratePerSecond, monotonicNow)
  /** Something that waits may not fit any more. */
  let mustRecheck = false
  /** The size that was last told. */
  let shownSize = 0

  const notifySize = (): void => {
    if (queue.size() === shownSize) return
    shownSize = queue.size()
    deps.onSizeChanged()
  }

  const queue = createSendQueue<Message>({
    ...deps,
    monotonicNow,
    onSettled(entry) {
      deps.onSettled(entry)
      notifySize()
    },
  })
  const unacked = deps.acks && createUnacked(queue, deps.acks)

  const core: OutboxCore<Message> = {
    queue,
    unacked,
    controls: createFifo<Frame>(),
    link: undefined,
    leaving: undefined,
    maxPayload: ENDLESS,
    overheadBytes: 0,
    limitRate: perSecond => pace.limit(Math.min(perSecond, ratePerSecond)),
    pause: pace.pause,
    renewPace: pace.renew,
    delay() {
      const { link } = core
      const wait = pace.delay()
      return link && link.bufferedBytes() > HIGH_WATER_BYTES ? Math.max(wait, RETRY_WRITE_MS) : wait
    },
    spend: pace.spend,
    fits: ({ bytes, reserved }) =>
      bytes + core.overheadBytes <= core.maxPayload && !(reserved && core.overheadBytes),
    recheck() {
      mustRecheck = true
    },
    rejectUnsendable() {
      queue.expire()
      // A listener may send another one that cannot leave.
      while (mustRecheck) {
        mustRecheck = false
        for (const entry of queue) {
          if (isQueued(entry) && !core.fits(entry)) queue.reject(entry, INVALID)
        }
      }
    },
    write(frame) {
      try {
        if (!core.link) throw new Error('There is no link')
        core.link.send(frame)
      } catch (error) {
        if (error instanceof FrameRefused) return error
        throw error
      }
      return undefined
    },
    writeMessage(entry) {
      const { leaving } = core
      const { frame, delivery, channel } = entry
      const refusal = core.write(leaving ? leaving(frame, delivery.id, channel) : frame)
      pace.spend()
      queue.remove(entry)
      if (refusal) {
        // An older link may have carried it to the server.
        if (unacked?.take(entry.delivery.id) === entry) queue.settle(entry, 'unknown')
        else queue.settle(entry, 'rejected', INVALID)
        onRefused(refusal.cause)
      } else if (unacked) unacked.written(entry)
      else {
        entry.delivery.attempts++
        queue.settle(entry, 'sent')
      }
    },
    onRefused,
    notifySize,
    pumpAfter(delayMs) {
      const expiry = queue.nextExpiry()
      const wait = expiry < ENDLESS ? Math.min(delayMs, expiry - monotonicNow()) : delayMs
      if (wait < ENDLESS) timers.set('outbox', wait, pump)
      else timers.clear('outbox')
    },
    pump,
  }
  return core
}
