/** Messages on their way out: which may leave next, how fast, and on which link. */
import type { LinkUser, LiveLink } from '../connection/link-user.ts'
import type { Frame } from '../transport/transport.ts'
import type { DeliveryState, Rejection, RejectReason } from './delivery.ts'
import { createIntake, type Intake } from './intake.ts'
import {
  createOutboxCore,
  ENDLESS,
  type Leaving,
  type OutboxCore,
  type OutboxCoreDeps,
  RETRY_WRITE_MS,
} from './outbox-core.ts'
import { isQueued } from './queue.ts'
import type { QueuedMessage } from './send-queue.ts'
import type { OwnedSequence, Sequence } from './sequence.ts'
import { createWebSocketSender } from './websocket-sender.ts'

/** What the outbox needs to know of a link that is ready. */
export interface OutboxTerms {
  /** Protocol v1: messages are numbered, and so many may be unacknowledged. Absent: they are not. */
  readonly maxInFlight?: number | undefined
  /** Makes the frame of a message anew as it is written. Absent: it leaves as it was made. */
  readonly leaving?: Leaving | undefined
}

export interface OutboxDeps<Message> extends OutboxCoreDeps<Message> {
  /** The sequence of protocol v1, if the client has sessions. */
  readonly sequence?: ((core: OutboxCore<Message>) => OwnedSequence) | undefined
}

/** Acks by id, and joins of channels: for protocols without a sequence. */
interface OutboxAnswers {
  /** The server has applied the message with this id. */
  acked(id: string): void
  /** The server has refused the message with this id: it is `rejected`. */
  refused(id: string, rejection: Rejection): void
  /** No answer came in time to the message with this id: it is `sent`, and no more can be known. */
  unanswered(id: string): void
  /** The join of a channel is pending: its messages wait, and hold up no other. */
  hold(channel: string): void
  /** The server has accepted a channel: its messages go, before younger ones. */
  release(channel: string): void
  /** The server has refused a channel: rejects the messages that wait for it. */
  rejectChannel(channel: string, rejection: Rejection): void
  /** The server has ended a channel: settles as `unknown` the messages in flight on it. */
  channelLost(channel: string): void
}

export interface Outbox<Message> extends LinkUser<OutboxTerms>, Intake<Message>, OutboxAnswers {
  linkReady(link: LiveLink, terms: OutboxTerms): void
  linkTrusted(): void
  linkClosed(): void
  /** The sequence of protocol v1, if the client has sessions. */
  readonly sequence: Sequence | undefined
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
  /** Rejects everything that waits; what is in flight becomes `unknown`. */
  rejectAll(reason: RejectReason): void
  /** Messages that wait to be sent. */
  size(): number
}

/** What servers say of messages and channels that are not numbered. */
const createAnswers = <Message>({ queue, unacked, pump }: OutboxCore<Message>): OutboxAnswers => {
  const answered = (id: string, state: DeliveryState, rejection?: Rejection): void => {
    const entry = unacked?.take(id)
    if (!entry) return
    queue.settle(entry, state, rejection)
    // There is room for another one in flight.
    pump()
  }
  return {
    acked: id => answered(id, 'acked'),
    refused: (id, rejection) => answered(id, 'rejected', rejection),
    unanswered: id => answered(id, 'sent'),
    hold: queue.hold,
    release(channel) {
      queue.release(channel)
      pump()
    },
    rejectChannel(channel, rejection) {
      const entries = [...queue].filter(entry => entry.channel === channel)
      queue.release(channel)
      for (const entry of entries) if (isQueued(entry)) queue.reject(entry, rejection)
    },
    channelLost: channel => unacked?.giveUp(channel),
  }
}

export const createOutbox = <Message>(deps: OutboxDeps<Message>): Outbox<Message> => {
  let post: (() => void) | undefined
  let isPumping = false

  const pump = (): void => {
    if (isPumping) return
    isPumping = true
    let wait = ENDLESS
    // Without a link the server has not said yet what it applied of what is in flight.
    if (core.link) core.rejectUnsendable()
    else queue.expire()
    try {
      while (core.link?.isTrustworthy()) {
        wait = sequence && core.overheadBytes ? sequence.write() : writeSingly()
        if (!sequence?.settleRefused()) break
        core.rejectUnsendable()
      }
    } catch {
      // What was not written stays, and what has a seq goes out again: on this link or the next.
      wait = RETRY_WRITE_MS
      sequence?.rewind()
    }
    isPumping = false
    core.pumpAfter(wait)
    core.notifySize()
    if (!core.link) post?.()
  }

  const core = createOutboxCore(deps, pump)
  const { queue, controls, unacked } = core
  const writeSingly = createWebSocketSender(core)
  const sequence = deps.sequence?.(core)

  return {
    sequence,
    linkReady(link, { maxInFlight, leaving }) {
      core.link = link
      core.leaving = leaving
      core.recheck()
      core.renewPace()
      sequence?.linkReady(maxInFlight)
      unacked?.linkReady()
      // A listener that heard of a lost message may have ended this link.
      if (core.link === link) pump()
    },
    linkTrusted: pump,
    linkClosed() {
      core.link = undefined
      controls.clear()
      sequence?.linkClosed()
      unacked?.linkClosed()
    },
    ...createIntake(core, deps.maxBytes),
    control(frame) {
      controls.push(frame)
      pump()
    },
    cancel(entry) {
      const waits = isQueued(entry)
      if (waits) queue.reject(entry, { reason: 'expired' })
      return waits
    },
    ...createAnswers(core),
    limit(perSecond = ENDLESS, maxPayload = ENDLESS) {
      core.limitRate(perSecond)
      core.maxPayload = maxPayload
      core.recheck()
    },
    maxMessageBytes: () => Math.max(0, core.maxPayload - core.overheadBytes),
    pause(delayMs) {
      core.pause(delayMs)
      sequence?.rewind()
      pump()
    },
    pump,
    postBy(given) {
      post = given
    },
    rejectAll(reason) {
      // Not what listeners send when they hear of it.
      const waiting = [...queue]
      sequence?.lost()
      unacked?.giveUp()
      for (const entry of waiting) queue.reject(entry, { reason })
    },
    size: queue.size,
  }
}
