/** One subscription as the registry of channels sees it: its listeners, its readers, its `ready`. */
import type { Call } from '../shared/call.ts'
import type { Reader } from './reader.ts'
import type { Ready } from './ready.ts'

/** Messages of this channel may be missing. */
export interface ChannelGap {
  readonly channel: string
  /**
   * `epoch` (the server's history is another one), `trimmed` or `limit` (it does not reach back so far),
   * `ahead` (it has lost its end), `overflow` (a reader was too slow), `reconnected` (a server without
   * protocol v1: nobody can know). Other protocols may have reasons of their own.
   */
  readonly reason: string
}

/** Everything missed on this channel is replayed. */
export interface Recovery {
  readonly channel: string
  /** How many messages that are. */
  readonly replayed: number
}

export interface SubscribeOptions {
  /**
   * Messages that each async iteration holds for a slow reader, a whole number from 1; when there are more, the oldest
   * goes. The first one that goes makes one gap `overflow`, reported to `onGap` of this subscription alone (without `onGap`
   * by a `gap` event), and the ones that go from then on belong to it until the reader has read on. Anything else is a
   * `TypeError` or `RangeError` of `subscribe()`. @default 1000
   */
  bufferSize?: number
  /** Messages of a channel may be missing: reload what you show of it. Absent by default. */
  onGap?: (gap: ChannelGap) => void
  /** Everything that was missed on a channel follows. Protocol v1, and others that recover. Absent by default. */
  onRecovered?: (recovery: Recovery) => void
}

export interface Member {
  readonly channels: readonly string[]
  readonly listener: ((message: never, channel: string) => void) | undefined
  readonly onGap: SubscribeOptions['onGap']
  readonly onRecovered: SubscribeOptions['onRecovered']
  /** False once it has ended: nothing of it is called any more. */
  isActive: boolean
  /** One for each iteration under way; `undefined`: there was none. */
  readers: Set<Reader<unknown>> | undefined
  /** Made when the application first reads `ready`. */
  ready: Ready | undefined
}

/** `isStale`: the message is the former user's by now, and no reader gets it any more. */
export const deliverTo = (
  member: Member,
  message: unknown,
  channel: string,
  call: Call,
  isStale: () => boolean,
): void => {
  // The listener of another member may have ended this one a moment ago.
  if (!member.isActive) return
  if (member.listener) call(member.listener, message as never, channel)
  // Hardly ever there are readers: that is not worth an iterator for each message.
  if (!member.readers?.size) return
  for (const reader of member.readers) if (!isStale()) reader.push(message, channel)
}

export const notifyGap = ({ onGap, isActive }: Member, gap: ChannelGap, call: Call): void => {
  if (onGap && isActive) call(onGap, gap)
}

export const notifyRecovered = (
  { onRecovered, isActive }: Member,
  recovery: Recovery,
  call: Call,
): void => {
  if (onRecovered && isActive) call(onRecovered, recovery)
}
