/** Messages that wait to be sent: two priorities, bounded in number, bytes and time. */
import type { Frame } from '../transport/transport.ts'
import { createDeadlines } from './deadlines.ts'
import type { DeliveryState, OpenDelivery, Rejection } from './delivery.ts'
import { createQueue, isQueued, type Linked, leaveQueue, type Queue } from './queue.ts'

/** One message that waits, or is in flight. */
export interface QueuedMessage<Message> extends Linked {
  readonly delivery: OpenDelivery
  readonly message: Message
  readonly frame: Frame
  readonly bytes: number
  /** It overtakes what was never sent. */
  readonly urgent: boolean
  /** Its type belongs to the protocol: where messages are numbered it is rejected as `invalid`. */
  readonly reserved: boolean
  /** It gets no `seq`: it leaves on a WebSocket only, is `sent` then, and holds up no other. */
  readonly unsequenced: boolean
  /** The channel that has to be joined before this leaves, where the protocol knows such channels. */
  readonly channel?: string | undefined
  /** Monotonic ms, or Infinity. */
  readonly expiresAt: number
  /** It is settled: nothing outside need hold on to it. */
  release?: (() => void) | undefined
  /** Its number among all that were added; 0 if it is urgent. The queue's own. */
  order?: number
}

export interface SendQueueDeps<Message> {
  /** Messages that wait, at most. */
  readonly limit: number
  /** Bytes of everything that is not settled, at most. */
  readonly maxBytes: number
  monotonicNow(): number
  onSettled(entry: QueuedMessage<Message>): void
}

export interface SendQueue<Message> extends Iterable<QueuedMessage<Message>> {
  add(entry: QueuedMessage<Message>): void
  /** The next message that can be numbered. */
  firstSequenced(): QueuedMessage<Message> | undefined
  /** The next message that is never numbered. */
  firstUnsequenced(): QueuedMessage<Message> | undefined
  /** The next message of all, where none is numbered. */
  first(): QueuedMessage<Message> | undefined
  /** Takes out a message that leaves. */
  remove(entry: QueuedMessage<Message>): void
  /** Takes out a message and settles it as rejected. */
  reject(entry: QueuedMessage<Message>, rejection: Rejection): void
  /** Settles a message that has left the queue; one that is settled already stays as it is. */
  settle(entry: QueuedMessage<Message>, state: DeliveryState, rejection?: Rejection): void
  /** From now on the message expires at its time. */
  watchExpiry(entry: QueuedMessage<Message>): void
  /** Rejects what has expired. */
  expire(): void
  /** When the next message expires, in monotonic ms; Infinity: none does. */
  nextExpiry(): number
  /** There is more than fits. */
  isOverfull(): boolean
  /** Rejects the oldest messages that were never sent, urgent ones last, until the rest fits. */
  dropOverflow(): void
  /** The messages of a channel wait, and hold up no other, until `release()`. */
  hold(channel: string): void
  /** They go on, before what is younger. */
  release(channel: string): void
  size(): number
}

const EXPIRED: Rejection = { reason: 'expired' }
const OVERFLOW: Rejection = { reason: 'overflow' }

export const createSendQueue = <Message>(deps: SendQueueDeps<Message>): SendQueue<Message> => {
  type Entry = QueuedMessage<Message>
  const high = createQueue<Entry>()
  const normal = createQueue<Entry>()
  const unsequenced = createQueue<Entry>()
  /** Messages of channels whose join is pending, as far as they have come to the head of their queue. */
  const held = new Map<string, Queue<Entry>>()
  let size = 0
  let bytes = 0
  let added = 0
  const deadlines = createDeadlines<Entry>(entry => entry.expiresAt, isQueued)

  const queueOf = ({ urgent, unsequenced: isUnsequenced }: Entry): Queue<Entry> => {
    const queue = urgent ? high : normal
    return isUnsequenced ? unsequenced : queue
  }

  /** The first that may leave: those of held channels step aside. */
  const firstOf = (queue: Queue<Entry>): Entry | undefined => {
    for (;;) {
      const entry = queue.first()
      const aside = entry?.channel === undefined ? undefined : held.get(entry.channel)
      if (!entry || !aside) return entry
      leaveQueue(entry)
      aside.push(entry)
    }
  }

  const older = (a: Entry | undefined, b: Entry | undefined): Entry | undefined =>
    a && b ? ((a.order as number) < (b.order as number) ? a : b) : (a ?? b)

  const remove = (entry: Entry): void => {
    if (!isQueued(entry)) return
    leaveQueue(entry)
    size--
  }

  const settle = (entry: Entry, state: DeliveryState, rejection?: Rejection): void => {
    // A listener that heard of another message may have taken back this one.
    if (entry.delivery.isSettled()) return
    bytes -= entry.bytes
    entry.delivery.settle(state, rejection)
    deps.onSettled(entry)
  }

  const reject = (entry: Entry, rejection: Rejection): void => {
    remove(entry)
    settle(entry, 'rejected', rejection)
  }

  const isOverfull = (): boolean => size > deps.limit || bytes > deps.maxBytes

  return {
    add(entry) {
      entry.order = entry.urgent ? 0 : ++added
      queueOf(entry).push(entry)
      size++
      bytes += entry.bytes
    },
    firstSequenced: () => firstOf(high) ?? firstOf(normal),
    firstUnsequenced: () => unsequenced.first(),
    first: () => firstOf(high) ?? older(unsequenced.first(), firstOf(normal)),
    remove,
    reject,
    settle,
    watchExpiry(entry) {
      if (entry.expiresAt < Number.POSITIVE_INFINITY && isQueued(entry)) deadlines.add(entry)
    },
    expire() {
      for (let entry = deadlines.first(); entry; entry = deadlines.first()) {
        if (entry.expiresAt <= deps.monotonicNow()) reject(entry, EXPIRED)
        else return
      }
    },
    nextExpiry: () => deadlines.first()?.expiresAt ?? Number.POSITIVE_INFINITY,
    isOverfull,
    dropOverflow() {
      while (size && isOverfull()) {
        let oldest = older(normal.first(), unsequenced.first())
        for (const queue of held.values()) oldest = older(oldest, queue.first())
        // The order of an urgent one is 0: it goes last.
        const dropped = oldest?.order ? oldest : (normal.first() ?? high.first() ?? oldest)
        reject(dropped as Entry, OVERFLOW)
      }
    },
    hold(channel) {
      if (!held.has(channel)) held.set(channel, createQueue())
    },
    release(channel) {
      const entries = [...(held.get(channel) ?? [])]
      held.delete(channel)
      for (const entry of entries.reverse()) {
        leaveQueue(entry)
        queueOf(entry).unshift(entry)
      }
    },
    size: () => size,
    *[Symbol.iterator]() {
      for (const queue of [high, normal, unsequenced, ...held.values()]) yield* [...queue]
    },
  }
}
