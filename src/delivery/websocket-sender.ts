/** Writes messages singly to a link where nothing numbers them. */
import type { Frame } from '../transport/transport.ts'
import type { OutboxCore } from './outbox.ts'

/** Writes what may leave now; returns how long the rest has to wait, in ms, and Infinity if nothing waits. */
export const createWebSocketSender =
  <Message>({ queue, controls, ...core }: OutboxCore<Message>): (() => number) =>
  () => {
    while (core.isOpen()) {
      core.rejectUnsendable()
      const control = controls.at(0)
      const entry = control === undefined ? queue.first() : undefined
      if (!core.isOpen() || (control === undefined && !entry)) break
      const wait = core.delay()
      if (wait) return wait
      if (entry) core.writeUnacked(entry)
      else {
        const refusal = core.write(control as Frame)
        core.spend()
        controls.shift()
        if (refusal) core.onRefused(refusal.cause)
      }
    }
    return Number.POSITIVE_INFINITY
  }
