/**
 * Who listens to the channels of one client: whoever comes later to a quiet channel asks the others for
 * its newest message, and all forget when the client does.
 */
import type { AnyClient } from './options.ts'

export interface Listener {
  /** The newest message of a channel that it listens to; undefined where there is none. */
  newest(channel: string): unknown
  forget(): void
}

interface Heard {
  readonly listeners: Set<Listener>
  /** Another one whenever the client has forgotten what it had received, for another user. */
  epoch(): number
}

const create = (socket: AnyClient): Heard => {
  const listeners = new Set<Listener>()
  let epoch = 0
  const forget = (): void => {
    epoch++
    for (const listener of [...listeners]) listener.forget()
  }
  // As long as the client lives: what is forgotten while nobody listens must not come back either.
  socket.on('reset', forget)
  return { listeners, epoch: () => epoch }
}

const known = new WeakMap<object, Heard>()

export const heardBy = (socket: AnyClient): Heard => {
  const heard = known.get(socket) ?? create(socket)
  known.set(socket, heard)
  return heard
}
