/**
 * Who listens to the channels of one client: whoever comes later to a quiet channel asks the others for
 * its newest message, and all forget when the client does.
 */
import { onOtherChange } from './changes.ts'
import type { AnyClient } from './options.ts'

export interface Listener {
  /** The newest message of a channel that it listens to; undefined where there is none. */
  newest(channel: string): unknown
  forget(): void
}

interface Heard {
  readonly listeners: Set<Listener>
  /** Another one after the client has forgotten what it had received, for another identity. */
  epoch(): number
}

const create = (socket: AnyClient): Heard => {
  const listeners = new Set<Listener>()
  let epoch = 0
  onOtherChange(socket, forgotten => {
    if (!forgotten) return
    epoch++
    for (const listener of [...listeners]) listener.forget()
  })
  return { listeners, epoch: () => epoch }
}

const known = new WeakMap<object, Heard>()

export const heardBy = (socket: AnyClient): Heard => {
  const heard = known.get(socket) ?? create(socket)
  known.set(socket, heard)
  return heard
}
