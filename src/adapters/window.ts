/** When it is worth rendering: once per batch, or for each message where batches are off. */
import type { ResilientWebSocket } from 'resilient-websocket'

/**
 * Calls back with each batch; if the client makes none (`batch: false`), with each message. Nobody
 * says which it is, but after the first message the client has counted a batch or it never will.
 * Returns an idempotent unsubscribe.
 */
export const onWindow = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
  listener: (messages: readonly Incoming[]) => void,
): (() => void) => {
  let stopped = false
  const offs = [socket.on('batch', listener)]
  if (!('batch' in socket.metrics())) {
    const missed: Incoming[] = []
    let unbatched = false
    const off = socket.on('message', message => {
      missed.push(message)
      // In a microtask: subscribers to a channel, and the batch, come after this event.
      queueMicrotask(() => {
        const messages = missed.splice(0)
        // A listener may have said that the user is another one by now, who is shown nothing of it.
        if (stopped || !messages.length || socket.getSnapshot().lastMessageAt === null) return
        unbatched ||= !('batch' in socket.metrics())
        if (unbatched) listener(messages)
        else off()
      })
    })
    offs.push(off)
  }
  return () => {
    stopped = true
    for (const off of offs) off()
  }
}
