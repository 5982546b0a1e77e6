/** What a subscriber missed, and whether that can be said. */
import type { Broker, History, Position, Published } from './broker.ts'

/** Why not everything since a position can be given. */
export type GapReason = 'epoch' | 'trimmed' | 'limit' | 'ahead'

/** What the server says of one channel, in `welcome`, `subscribed` and a snapshot. */
export interface Verdict extends Position {
  /** Everything since the position follows. */
  readonly recovered: boolean
  /** How many messages follow. */
  readonly replayed: number
  readonly reason?: GapReason
}

export interface Recovery {
  readonly verdict: Verdict
  readonly messages: readonly Published[]
}

/** Messages of one channel replayed at once, at most. */
export const MOST_REPLAYED = 1000

const gapOf = (position: Position, now: History): GapReason | undefined => {
  const { messages } = now
  if (position.epoch !== now.epoch) return 'epoch'
  if (position.offset > now.offset) return 'ahead'
  const missed = now.offset - position.offset
  // History has no hole and ends at the newest: as many as were missed are all that were missed.
  if (missed <= MOST_REPLAYED) return missed === messages.length ? undefined : 'trimmed'
  const oldest = now.oldest ?? messages[0]?.offset ?? Number.POSITIVE_INFINITY
  return oldest <= position.offset + 1 ? 'limit' : 'trimmed'
}

/** `null`: from now on. */
export const recover = async (
  broker: Broker,
  channel: string,
  position: Position | null,
): Promise<Recovery> => {
  // From now on, or a gap anyway: only the position is wanted, and no message is brought from a broker outside.
  const after = position ? position.offset : Number.MAX_SAFE_INTEGER
  const history = await broker.history(channel, after, {
    ...(position && { epoch: position.epoch }),
    limit: MOST_REPLAYED,
  })
  const { epoch, offset, messages } = history
  const now = { epoch, offset }
  if (!position) return { verdict: { ...now, recovered: true, replayed: 0 }, messages: [] }
  const reason = gapOf(position, history)
  return reason
    ? { verdict: { ...now, recovered: false, replayed: 0, reason }, messages: [] }
    : { verdict: { ...now, recovered: true, replayed: messages.length }, messages }
}

/** A position of the wire. One that makes no sense is in no history: its client is told of a gap. */
export const positionOf = (value: unknown): Position | null => {
  if (value === null || value === undefined) return null
  const { epoch, offset } = (typeof value === 'object' && value ? value : {}) as Partial<Position>
  return typeof epoch === 'string' && Number.isSafeInteger(offset) && (offset as number) >= 0
    ? { epoch, offset: offset as number }
    : { epoch: '', offset: 0 }
}
