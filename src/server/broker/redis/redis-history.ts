/** Reads the history of a channel in parts: between two of them others get their answers, and each is a sign of life. */
import type { History, Position } from '../broker.ts'
import { StoredMessage } from '../stored-message.ts'
import type { HistoryRead } from './history-reads.ts'

/** A message of a stream. */
export interface StreamEntry {
  readonly offset: number
  /** When it was published, ms since the epoch. */
  readonly at: number
  readonly text: string
}

/** The first entries after an offset, as many as fit into one answer, and where the channel stands. */
export interface HistoryPart extends Position {
  readonly entries: readonly StreamEntry[]
  readonly oldest: number
}

export type ReadPart = (
  channel: string,
  read: HistoryRead,
  afterOffset: number,
) => Promise<HistoryPart>

/** Messages published up to `expiredAt` are left out. */
export const readHistory = async (
  readPart: ReadPart,
  channel: string,
  read: HistoryRead,
  expiredAt: () => number,
): Promise<History> => {
  let first = await readPart(channel, read, read.afterOffset)
  let entries: StreamEntry[] = []
  // It ends where the channel stood at the first part; later publications come by pub/sub.
  for (let part = first; ; ) {
    const at = part.entries[0]?.offset
    // Entries in between were trimmed meanwhile: a history has no hole.
    if (at !== undefined && at - 1 !== entries.at(-1)?.offset) entries = []
    entries.push(...part.entries.filter(({ offset }) => offset <= first.offset))
    const last = part.entries.at(-1)?.offset ?? first.offset
    if (last >= first.offset) break
    // The limit was for the first part: publications of meanwhile do not count.
    part = await readPart(channel, { ...read, limit: Number.MAX_SAFE_INTEGER }, last)
    if (part.epoch === first.epoch) continue
    first = await readPart(channel, read, read.afterOffset)
    part = first
    entries = []
  }
  const { epoch, offset, oldest } = first
  const tooOld = expiredAt()
  // Clocks of servers differ a little: all entries before the last one that is too old are too old as well.
  let start = entries.length
  while (start && (entries[start - 1] as StreamEntry).at > tooOld) start--
  // If the end was trimmed meanwhile, nothing is left that ends at the offset.
  const isWhole = entries.at(-1)?.offset === offset
  const messages = entries
    .slice(isWhole ? start : entries.length)
    .map(entry => new StoredMessage(channel, epoch, entry.offset, entry.text))
  return { epoch, offset, messages, oldest }
}
