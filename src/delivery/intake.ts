/** Where a message enters the outbox: it leaves at once, joins those of its turn, or waits. */
import { ENDLESS, INVALID, type OutboxCore } from './outbox-core.ts'
import { isQueued } from './queue.ts'
import type { QueuedMessage } from './send-queue.ts'

export interface Intake<Message> {
  add(entry: QueuedMessage<Message>): void
  /** Does not wait for the end of the turn with what is to be joined: the link is about to end. */
  flush(): void
}

/** `maxBytes`: a larger message is rejected. */
export const createIntake = <Message>(
  core: OutboxCore<Message>,
  maxBytes: number,
): Intake<Message> => {
  const { queue, pump } = core
  /** Messages of this turn that leave together at its end; undefined: none was sent in it. */
  let turn: QueuedMessage<Message>[] | undefined

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

  return {
    add(entry) {
      queue.add(entry)
      if (entry.bytes > maxBytes) return queue.reject(entry, { reason: 'overflow' })
      if (!core.fits(entry)) {
        if (core.link) return queue.reject(entry, INVALID)
        core.recheck()
      }
      const joins = core.link && core.overheadBytes > 0 && !entry.unsequenced
      if (joins && turn && !queue.isOverfull()) {
        turn.push(entry)
        return core.notifySize()
      }
      pump()
      if (joins && !turn) {
        // The first message of a turn has left at once; the others leave together at its end.
        turn = []
        queueMicrotask(endTurn)
      }
      if (entry.expiresAt < ENDLESS) watchExpiry(entry)
      queue.dropOverflow()
      core.notifySize()
    },
    flush() {
      if (turn?.length) pump()
    },
  }
}
