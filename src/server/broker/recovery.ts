/** The messages that a subscriber missed, or the reason why they cannot be given. */
import type { Broker, History, Position, Published } from './broker.ts'

/** Why a gap is announced: the position is of another epoch, its messages are forgotten, too many, or of the future. */
export type GapReason = 'epoch' | 'trimmed' | 'limit' | 'ahead'

/** How one channel goes on for a subscriber, as `welcome`, `subscribed` and a poll announce it. */
export interface ChannelRecovery extends Position {
  /** All messages since the position follow. */
  readonly recovered: boolean
  /** How many messages follow. */
  readonly replayed: number
  readonly reason?: GapReason
}

export interface Recovered {
  readonly recovery: ChannelRecovery
  /** The messages that follow; none after a gap. */
  readonly messages: readonly Published[]
}

/** Messages of one channel that are replayed at once; a subscriber that missed more gets a gap. */
export const MAX_REPLAYED = 1000

const gapReasonOf = (position: Position, now: History): GapReason | undefined => {
  const { messages } = now
  if (position.epoch !== now.epoch) return 'epoch'
  if (position.offset > now.offset) return 'ahead'
  const missed = now.offset - position.offset
  // A history has no hole and ends at the newest message: if it holds as many as were missed, it holds all of them.
  if (missed <= MAX_REPLAYED) return missed === messages.length ? undefined : 'trimmed'
  const oldest = now.oldest ?? messages[0]?.offset ?? Number.POSITIVE_INFINITY
  return oldest <= position.offset + 1 ? 'limit' : 'trimmed'
}

/** Reads what follows a position; `null`: from now on. Rejects while the broker is away. */
export const recover = async (
  broker: Broker,
  channel: string,
  position: Position | null,
): Promise<Recovered> => {
  // From now on, or a gap anyway: only the position is read, and no message travels from a broker outside.
  const after = position ? position.offset : Number.MAX_SAFE_INTEGER
  const history = await broker.history(channel, after, {
    ...(position && { epoch: position.epoch }),
    limit: MAX_REPLAYED,
  })
  const { epoch, offset, messages } = history
  const now = { epoch, offset }
  if (!position) return { recovery: { ...now, recovered: true, replayed: 0 }, messages: [] }
  const reason = gapReasonOf(position, history)
  return reason
    ? { recovery: { ...now, recovered: false, replayed: 0, reason }, messages: [] }
    : { recovery: { ...now, recovered: true, replayed: messages.length }, messages }
}

/** A position as a client sends it; `null` for none. An invalid one becomes a position in no history, so that its client gets a gap. */
export const positionOf = (value: unknown): Position | null => {
  if (value === null || value === undefined) return null
  const { epoch, offset } = (typeof value === 'object' && value ? value : {}) as Partial<Position>
  return typeof epoch === 'string' && Number.isSafeInteger(offset) && (offset as number) >= 0
    ? { epoch, offset: offset as number }
    : { epoch: '', offset: 0 }
}
