/**
 * Decides whether a client is too slow. A burst may be larger than the buffer, and the server may have stood still itself:
 * too slow is only a client that did not read what it had time for.
 */
import type { ServerTimers } from '../environment.ts'

/** How far a client has read. */
export interface ReadProgress {
  /** Bytes that have left for the client since the connection began. */
  takenBytes(): number
  /** Bytes that wait in the server. */
  waitingBytes(): number
  /** Those of them that were made for this client alone: replies, errors, acks. */
  ownBytes(): number
  /** False once nothing waits for the client any more: no look is needed. */
  isWaiting(): boolean
}

/** How often to look, in ms. A look that is late itself counts as one and no more. */
const LOOK_MS = 1000
/** With a full buffer: looks in a row that may find nothing taken, or more than a buffer of the client's own. */
const MAX_IDLE_LOOKS = 2
/** With a full buffer: looks after which all that waited at the first of them must have been taken. */
const MAX_FULL_LOOKS = 5
/** With a buffer that is not full, while a replay waits for room: looks in a row that may find nothing taken. */
const MAX_STUCK_LOOKS = 10

/** Looks once a second for as long as something waits. `onTooSlow` is called once. */
export const watchReader = (
  progress: ReadProgress,
  maxBufferedBytes: number,
  timers: ServerTimers,
  onTooSlow: () => void,
): void => {
  let before = progress.takenBytes()
  let mustTake = before + progress.waitingBytes()
  let idle = 0
  let full = 0
  let ownFull = 0

  const isTooSlow = (taken: number, isFull: boolean): boolean => {
    idle = taken > before ? 0 : idle + 1
    before = taken
    ownFull = progress.ownBytes() > maxBufferedBytes ? ownFull + 1 : 0
    if (!isFull) return idle >= MAX_STUCK_LOOKS
    full++
    return (
      idle >= MAX_IDLE_LOOKS ||
      ownFull >= MAX_IDLE_LOOKS ||
      (full >= MAX_FULL_LOOKS && taken < mustTake)
    )
  }

  const look = (): void => {
    const taken = progress.takenBytes()
    const isFull = progress.waitingBytes() > maxBufferedBytes
    if (isTooSlow(taken, isFull)) return onTooSlow()
    if (!progress.isWaiting()) return
    if (!isFull || taken >= mustTake) {
      full = 0
      mustTake = taken + progress.waitingBytes()
    }
    timers.set('slow', LOOK_MS, look)
  }
  timers.set('slow', LOOK_MS, look)
}
