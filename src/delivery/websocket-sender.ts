/** Writes messages singly, to a link where nothing numbers them. */
import type { Frame } from '../transport/transport.ts'
import type { OutboxCore } from './outbox-core.ts'

/** Writes what may leave now; returns how long the rest has to wait, in ms, and Infinity if nothing waits for time. */
export const createWebSocketSender =
  <Message>(core: OutboxCore<Message>): (() => number) =>
  () => {
    const { queue, controls, unacked } = core
    while (core.link) {
      core.rejectUnsendable()
      const control = controls.at(0)
      const entry =
        control === undefined
          ? (unacked?.firstAgain() ?? (unacked?.isFull() ? undefined : queue.first()))
          : undefined
      if (!core.link || (control === undefined && !entry)) break
      const wait = core.delay()
      if (wait) return wait
      if (entry) core.writeMessage(entry)
      else {
        const refusal = core.write(control as Frame)
        core.spend()
        controls.shift()
        if (refusal) core.onRefused(refusal.cause)
      }
    }
    return Number.POSITIVE_INFINITY
  }
