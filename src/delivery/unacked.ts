/** Messages in flight to a server that acknowledges each by its id. */
import { createFifo } from '../shared/fifo.ts'
import type { QueuedMessage, SendQueue } from './send-queue.ts'

export interface AckRules {
  /** What is in flight when a link ends goes again on the next, before newer messages. `false`: it is `unknown`. */
  readonly resends: boolean
  /** On so many more links a message is tried. */
  readonly retries: number
  /** Messages in flight, at most. */
  readonly maxInFlight: number
}

export interface Unacked<Message> {
  /** The next message that goes again on this link. */
  firstAgain(): QueuedMessage<Message> | undefined
  isFull(): boolean
  /** A message was written: it is in flight. */
  written(entry: QueuedMessage<Message>): void
  /** The message with this id has got its answer. */
  take(id: string): QueuedMessage<Message> | undefined
  /** Settles as `unknown` what is in flight: of one channel, or all. */
  giveUp(channel?: string): void
  linkReady(): void
  linkClosed(): void
}

export const createUnacked = <Message>(
  queue: SendQueue<Message>,
  { resends, retries, maxInFlight }: AckRules,
): Unacked<Message> => {
  const inFlight = new Map<string, QueuedMessage<Message>>()
  const again = createFifo<QueuedMessage<Message>>()

  const take = (id: string): QueuedMessage<Message> | undefined => {
    const entry = inFlight.get(id)
    inFlight.delete(id)
    return entry
  }

  const giveUp = (isMeant: (entry: QueuedMessage<Message>) => boolean): void => {
    for (const [id, entry] of [...inFlight]) {
      // A listener that heard of another message may have settled this one.
      if (isMeant(entry) && inFlight.get(id) === entry) {
        inFlight.delete(id)
        queue.settle(entry, 'unknown')
      }
    }
  }

  const giveUpLost = (): void => giveUp(({ delivery }) => !resends || delivery.attempts > retries)

  return {
    firstAgain() {
      for (let entry = again.at(0); entry; entry = again.at(0)) {
        if (inFlight.get(entry.delivery.id) === entry) return entry
        again.shift()
      }
      return undefined
    },
    isFull: () => inFlight.size >= maxInFlight,
    written(entry) {
      const { delivery } = entry
      const { id } = delivery
      delivery.attempts++
      delivery.state = 'in-flight'
      if (again.at(0) === entry) again.shift()
      // An answer names one message only: of an older one with the same id no more can be known.
      const older = inFlight.get(id)
      if (older !== entry) inFlight.delete(id)
      inFlight.set(id, entry)
      if (older && older !== entry) queue.settle(older, 'sent')
    },
    take,
    giveUp: channel => giveUp(entry => channel === undefined || entry.channel === channel),
    linkReady() {
      giveUpLost()
      again.clear()
      for (const entry of inFlight.values()) again.push(entry)
    },
    linkClosed() {
      again.clear()
      // Later: a listener that hears of it finds the client where the end of the link has led.
      queueMicrotask(giveUpLost)
    },
  }
}
