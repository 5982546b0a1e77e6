/** Judges the server's answer for a channel in which the client has a cursor (rule R9 of docs/protocol.md). */
import type { Position } from '../../channels/channel.ts'
import { fields, isWhole } from '../fields.ts'

/** The server's answer for one channel, as `welcome`, `subscribed` and polls have it. */
export interface ChannelRecovery extends Readonly<Position> {
  readonly recovered: boolean
  /** Messages that follow; 0 unless the server says so. */
  readonly replayed: number
  /** Why not everything follows, if the server says so. */
  readonly reason: string | undefined
}

/** The client's reaction. */
export interface Outcome {
  /** Reports that so many messages were recovered. */
  readonly recovered?: number
  /** Moves the cursor to this offset of the answer's epoch. */
  readonly moveTo?: number
  /** Reports a gap with this reason. */
  readonly gap?: string
  /** Asks for the missing messages again. */
  readonly ask?: true
}

/** `undefined`: it makes no sense, and is ignored. */
export const readRecovery = (given: unknown): ChannelRecovery | undefined => {
  const { epoch, offset, recovered, replayed, reason } = fields(given)
  if (typeof epoch !== 'string' || !isWhole(offset)) return undefined
  return {
    epoch,
    offset,
    recovered: recovered === true,
    replayed: isWhole(replayed) ? replayed : 0,
    reason: typeof reason === 'string' ? reason : undefined,
  }
}

/** `answersResume`: it answers a `subscribe` that the client sent because messages were missing. */
export const judge = (
  cursor: Readonly<Position>,
  { epoch, offset, recovered, replayed, reason }: ChannelRecovery,
  answersResume: boolean,
): Outcome => {
  const isSame = cursor.epoch === epoch
  if (isSame && recovered) {
    const follows = offset - replayed
    if (follows <= cursor.offset) return { recovered: replayed }
    // The messages that follow begin beyond the cursor: the answer to a question that the other transport has
    // overtaken. If asking again does not help, messages are missing for good.
    return answersResume
      ? { recovered: replayed, moveTo: follows, gap: 'trimmed' }
      : { recovered: replayed, ask: true }
  }
  // A cursor never goes back within its epoch, unless the server has lost the end of it.
  if (isSame && cursor.offset >= offset && reason !== 'ahead') return {}
  return { moveTo: offset, gap: reason ?? 'epoch' }
}
