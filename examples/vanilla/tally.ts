/**
 * Checks what the library promises, from outside: each channel numbers its messages 1, 2, 3, ...,
 * so a hole or a repetition shows. A hole that the library announced (`gap`) was not lost in silence.
 */
import type { IncomingEnvelope } from 'resilient-websocket'
import type { Connection } from './connection.ts'
import { unwrap } from './quotes.ts'

export interface Tally {
  received: number
  batches: number
  /** Messages in batches; the difference to `received` was conflated. */
  batched: number
  /** Holes that nobody announced. Must stay 0. */
  missing: number
  /** Numbers that came twice. Must stay 0. */
  doubled: number
  /** Holes after a `gap` notice, or between polls that bring only the newest. */
  missed: number
  /** `gap` notices. */
  gaps: number
}

export const createTally = (socket: Connection): Tally => {
  const tally: Tally = {
    received: 0,
    batches: 0,
    batched: 0,
    missing: 0,
    doubled: 0,
    missed: 0,
    gaps: 0,
  }
  const lastOffsets = new Map<string, number>()
  /** Channels whose next number may jump, since a `gap` said so. */
  const warned = new Set<string>()

  const check = ({ channel, offset }: IncomingEnvelope, polled: boolean): void => {
    if (channel === undefined || offset === undefined) return
    const last = lastOffsets.get(channel)
    const announced = warned.delete(channel) || polled
    if (last !== undefined && offset > last + 1) {
      tally[announced ? 'missed' : 'missing'] += offset - last - 1
    }
    if (last !== undefined && offset <= last) {
      // A poll repeats what did not change; after a gap a lower number is a new history.
      if (!announced) tally.doubled++
      if (polled) return
    }
    lastOffsets.set(channel, offset)
  }

  socket.on('message', message => {
    tally.received++
    const polled = message.type === 'snapshot'
    for (const each of unwrap(message)) check(each, polled)
  })
  socket.on('batch', messages => {
    tally.batches++
    tally.batched += messages.length
  })
  socket.on('gap', ({ channel }) => {
    tally.gaps++
    for (const each of channel === undefined ? lastOffsets.keys() : [channel]) warned.add(each)
  })
  return tally
}
