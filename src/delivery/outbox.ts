/** Messages on their way out: which may leave next, how fast, and on which link. */
import type { LinkUser, LiveLink } from '../connection/link-user.ts'
import { createFifo, type Fifo } from '../shared/fifo.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { createPace } from '../shared/token-bucket.ts'
import { type Frame, FrameRefused } from '../transport/transport.ts'
import type { Rejection, RejectReason } from './delivery.ts'
import type { Sequence } from './in-flight.ts'
import { isQueued } from './queue.ts'
import { createSendQueue, type QueuedMessage, type SendQueue } from './send-queue.ts'
import { createWebSocketSender } from './websocket-sender.ts'

/** What the outbox needs to know of a link that is ready. */
export interface OutboxTerms {
  /** Protocol v1: messages are numbered, and so many may be unacknowledged. Absent: they are not. */
  readonly maxInFlight?: number | undefined
}

export interface OutboxDeps<Message> {
  readonly environment: Environment
  readonly timers: Timers
  /** Messages that wait, at most. */
  readonly limit: number
  /** Bytes of everything that is not settled, at most. */
  readonly maxBytes: number
  /** Messages a second, at most; a lower rate of the server's wins. */
  readonly ratePerSecond: number
  /** The sequence of protocol v1, if the client has sessions. */
  readonly sequence?: ((core: OutboxCore<Message>) => Sequence) | undefined
  /** A message has got its fate. */
  onSettled(entry: QueuedMessage<Message>): void
  /** A live link refused a frame, which is given up; `cause` is what the socket threw. */
  onRefused(cause: unknown): void
  /** `size()` is another one than it was when this was called last. */
  onSizeChanged(): void
}

export interface Outbox<Message> extends LinkUser<OutboxTerms> {
  linkReady(link: LiveLink, terms: OutboxTerms): void
  linkTrusted(): void
  linkClosed(): void
  /** The sequence of protocol v1, if the client has sessions. */
  readonly sequence: Sequence | undefined
  add(entry: QueuedMessage<Message>): void
  /** A control message: before all others, within the same rate. Lost with the link. */
  control(frame: Frame): void
  /** Takes a message back, as `expired`, if it was never sent. False if it was, or is settled. */
  cancel(entry: QueuedMessage<Message>): boolean
  /** What the server takes: messages a second (the lower of its rate and ours) and bytes a message; absent: no limit. */
  limit(ratePerSecond?: number, maxPayload?: number): void
  /** Bytes that the server takes as one message of the application; Infinity: it has named no limit. */
  maxMessageBytes(): number
  /** Nothing leaves for so long, in ms; then it goes on from the last ack. */
  pause(delayMs: number): void
  /** Writes what may leave now. */
  pump(): void
  /** While there is no link: called whenever something may wait that can be posted; `undefined` ends that. */
  postBy(post: (() => void) | undefined): void
  /** Does not wait for the end of the turn with what is to be joined: the link is about to end. */
  flush(): void
  /** Rejects everything that waits; what is in flight becomes `unknown`. */
  rejectAll(reason: RejectReason): void
  /** Messages that wait to be sent. */
  size(): number
}

/** What the ways of writing share: the plain one, and the numbered one that sessions bring. */
export interface OutboxCore<Message> {
  readonly queue: SendQueue<Message>
  /** Control messages that wait. */
  readonly controls: Fifo<Frame>
  monotonicNow(): number
  isOpen(): boolean
  /** How long the next message has to wait, in ms. */
  delay(): number
  /** One message has left. */
  spend(): void
  /** Writes a frame, and returns why the live link refuses this frame if it does. Throws if the link takes none. */
  write(frame: Frame): FrameRefused | undefined
  /** Writes a message that nothing acknowledges: it is `sent` once it was written. */
  writeUnacked(entry: QueuedMessage<Message>): void
  /** Rejects what has expired or does not fit any more, before anything is taken from the queue. */
  rejectUnsendable(): void
  /** The limits changed: messages that wait may not fit any more. */
  recheck(): void
  onRefused(cause: unknown): void
  /** Pumps again after so many ms, or when a message expires. */
  pumpAfter(delayMs: number): void
  pump(): void
  /** Bytes that the server takes at once; Infinity: it has named no limit. */
  maxPayload(): number
}

/** With more than this unsent in the socket the rest waits here, where it is counted and kept. */
const HIGH_WATER_BYTES = 1_048_576
/** How soon to look again whether a socket takes more, in ms. */
const RETRY_WRITE_MS = 50
const ENDLESS: number = Number.POSITIVE_INFINITY
const INVALID: Rejection = { reason: 'invalid' }

export const createOutbox = <Message>(deps: OutboxDeps<Message>): Outbox<Message> => {
  const { environment, timers, ratePerSecond } = deps
  const { monotonicNow } = environment
  const pace = createPace(ratePerSecond, monotonicNow)
  const controls = createFifo<Frame>()
  let link: LiveLink | undefined
  let post: (() => void) | undefined
  let maxPayload = ENDLESS
  let isPumping = false
  /** Something that waits may not fit any more. */
  let mustRecheck = false
  /** The size that was last told. */
  let shownSize = 0
  /** Messages of this turn that leave together at its end; undefined: none was sent in it. */
  let turn: QueuedMessage<Message>[] | undefined

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

  const fits = ({ bytes, reserved }: QueuedMessage<Message>): boolean =>
    bytes + (sequence?.overheadBytes() ?? 0) <= maxPayload && !(reserved && sequence?.isActive())

  /**
   * Settles what cannot leave, before anything is taken: a listener that hears of it in the midst of that may end the
   * link, and what was taken and not written yet would count as lost with it.
   */
  const rejectUnsendable = (): void => {
    queue.expire()
    // A listener may send another one that cannot leave.
    while (mustRecheck) {
      mustRecheck = false
      sequence?.giveUpLost()
      for (const entry of queue) if (isQueued(entry) && !fits(entry)) queue.reject(entry, INVALID)
    }
  }

  const write = (frame: Frame): FrameRefused | undefined => {
    try {
      if (!link) throw new Error('There is no link')
      link.send(frame)
    } catch (error) {
      if (error instanceof FrameRefused) return error
      throw error
    }
    return undefined
  }

  const pumpAfter = (delayMs: number): void => {
    const expiry = queue.nextExpiry()
    const wait = expiry < ENDLESS ? Math.min(delayMs, expiry - monotonicNow()) : delayMs
    if (wait < ENDLESS) timers.set('outbox', wait, pump)
    else timers.clear('outbox')
  }

  const pump = (): void => {
    if (isPumping) return
    isPumping = true
    let wait = ENDLESS
    // Without a link the server has not said yet what it applied of what is in flight.
    if (link) rejectUnsendable()
    else queue.expire()
    try {
      while (link?.isTrustworthy()) {
        wait = sequence?.isActive() ? sequence.write() : writeSingly()
        if (!sequence?.settleRefused()) break
        rejectUnsendable()
      }
    } catch {
      // What was not written stays, and what has a seq goes out again: on this link or the next.
      wait = RETRY_WRITE_MS
      sequence?.rewind()
    }
    isPumping = false
    pumpAfter(wait)
    notifySize()
    if (!link) post?.()
  }

  /** The message may expire from now on. */
  const watchExpiry = (entry: QueuedMessage<Message>): void => {
    const before = queue.nextExpiry()
    queue.watchExpiry(entry)
    if (entry.expiresAt < before && isQueued(entry)) pump()
  }

  const endTurn = (): void => {
    const joined = turn ?? []
    turn = undefined
    if (!joined.length) return
    pump()
    // Only now: none expires that could have left at once.
    for (const entry of joined) watchExpiry(entry)
  }

  const core: OutboxCore<Message> = {
    queue,
    controls,
    monotonicNow,
    isOpen: () => link !== undefined,
    delay() {
      const wait = pace.delay()
      return link && link.bufferedBytes() > HIGH_WATER_BYTES ? Math.max(wait, RETRY_WRITE_MS) : wait
    },
    spend: pace.spend,
    write,
    writeUnacked(entry) {
      const refusal = write(entry.frame)
      pace.spend()
      queue.remove(entry)
      if (refusal) {
        queue.settle(entry, 'rejected', INVALID)
        deps.onRefused(refusal.cause)
      } else {
        entry.delivery.attempts++
        queue.settle(entry, 'sent')
      }
    },
    rejectUnsendable,
    recheck() {
      mustRecheck = true
    },
    onRefused: deps.onRefused,
    pumpAfter,
    pump,
    maxPayload: () => maxPayload,
  }
  const writeSingly = createWebSocketSender(core)
  const sequence = deps.sequence?.(core)

  const linkClosed = (): void => {
    link = undefined
    controls.clear()
    sequence?.linkClosed()
  }

  return {
    sequence,
    linkReady(ready, { maxInFlight }) {
      link = ready
      mustRecheck = true
      pace.renew()
      sequence?.linkReady(maxInFlight)
      pump()
    },
    linkTrusted: pump,
    linkClosed,
    add(entry) {
      queue.add(entry)
      if (entry.bytes > deps.maxBytes) return queue.reject(entry, { reason: 'overflow' })
      if (!fits(entry)) {
        if (link) return queue.reject(entry, INVALID)
        mustRecheck = true
      }
      const joins = link !== undefined && sequence?.isActive() && !entry.unsequenced
      if (joins && turn && !queue.isOverfull()) {
        turn.push(entry)
        return notifySize()
      }
      pump()
      if (joins && !turn) {
        // The first message of a turn has left at once; the others leave together at its end.
        turn = []
        queueMicrotask(endTurn)
      }
      if (entry.expiresAt < ENDLESS) watchExpiry(entry)
      queue.dropOverflow()
      notifySize()
    },
    control(frame) {
      controls.push(frame)
      pump()
    },
    cancel(entry) {
      const waits = isQueued(entry)
      if (waits) queue.reject(entry, { reason: 'expired' })
      return waits
    },
    limit(perSecond = ENDLESS, most = ENDLESS) {
      pace.limit(Math.min(perSecond, ratePerSecond))
      maxPayload = most
      mustRecheck = true
    },
    maxMessageBytes: () => Math.max(0, maxPayload - (sequence?.overheadBytes() ?? 0)),
    pause(delayMs) {
      pace.pause(delayMs)
      sequence?.rewind()
      pump()
    },
    pump,
    postBy(given) {
      post = given
    },
    flush() {
      if (turn?.length) pump()
    },
    rejectAll(reason) {
      // Not what listeners send when they hear of it.
      const waiting = [...queue]
      sequence?.lost()
      for (const entry of waiting) queue.reject(entry, { reason })
    },
    size: queue.size,
  }
}
