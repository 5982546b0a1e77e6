/** What changes beside the last message: one listener of a client for all who watch it, since it runs with each message. */
import type { AnyClient } from './options.ts'

/** `forgotten`: the client has forgotten what it had received, for another identity. */
type Listener = (forgotten: boolean) => void

const known = new WeakMap<object, Set<Listener>>()

const watch = (socket: AnyClient): Set<Listener> => {
  const listeners = new Set<Listener>()
  let { lastMessage } = socket
  // As long as the client lives: what is forgotten while nobody listens must not come back either.
  socket.onChange(() => {
    const before = lastMessage
    lastMessage = socket.lastMessage
    // A message changes nothing else.
    if (lastMessage !== before && lastMessage !== null) return
    let failed: { readonly thrown: unknown } | undefined
    for (const listener of [...listeners]) {
      try {
        listener(lastMessage !== before)
      } catch (thrown) {
        failed ??= { thrown }
      }
    }
    if (failed) throw failed.thrown
  })
  return listeners
}

/** Calls back with each change but that of the last message; returns an idempotent unsubscribe. */
export const onOtherChange = (socket: AnyClient, listener: Listener): (() => void) => {
  const listeners = known.get(socket) ?? watch(socket)
  known.set(socket, listeners)
  listeners.add(listener)
  return () => void listeners.delete(listener)
}
