/** Few reads of histories at a time, and one for all who ask for the same channel. */
import type { History, HistoryQuery } from '../broker.ts'

/** What several askers want of one channel, as one read. */
export interface HistoryRead {
  /** Of the one that wants the most. */
  readonly afterOffset: number
  /** Of the one that wants the least: beyond its limit nobody gets a message. */
  readonly highestAfter: number
  readonly epoch: string | undefined
  readonly limit: number
}

export interface HistoryReadsHooks {
  read(channel: string, read: HistoryRead): Promise<History>
  /** Reads at a time. */
  readonly atOnce: number
}

export interface HistoryReads {
  history(channel: string, afterOffset: number, query: HistoryQuery): Promise<History>
}

interface Batch {
  readonly channel: string
  readonly epoch: string | undefined
  readonly limit: number
  afterOffset: number
  highestAfter: number
  readonly answer: Promise<History>
  resolve(answer: History | Promise<History>): void
}

/** What one asker gets of an answer for several. */
const cut = (answer: History, afterOffset: number, limit: number): History => {
  const { epoch, offset, messages } = answer
  const missed = Math.max(0, offset - afterOffset)
  if (missed > limit) return { ...answer, messages: [] }
  if (missed >= messages.length) return { epoch, offset, messages }
  return { epoch, offset, messages: messages.slice(messages.length - missed) }
}

export const createHistoryReads = ({ read, atOnce }: HistoryReadsHooks): HistoryReads => {
  /** Batches by what they ask for that have not been sent to the store: others may still join them. */
  const open = new Map<string, Batch>()
  /** Those that are being read. Nobody joins them: they may have been answered before something was published. */
  const reading = new Set<string>()
  const queue: string[] = []

  const start = (key: string): void => {
    const batch = open.get(key) as Batch
    open.delete(key)
    reading.add(key)
    const answer = read(batch.channel, batch).finally(() => {
      reading.delete(key)
      if (open.has(key)) queue.push(key)
      next()
    })
    batch.resolve(answer)
  }

  const next = (): void => {
    while (reading.size < atOnce && queue.length) start(queue.shift() as string)
  }

  const join = (key: string, channel: string, epoch: string | undefined, limit: number): Batch => {
    const known = open.get(key)
    if (known) return known
    let resolve: Batch['resolve'] = () => {}
    const answer = new Promise<History>(done => {
      resolve = done
    })
    const batch: Batch = {
      channel,
      epoch,
      limit,
      afterOffset: Number.POSITIVE_INFINITY,
      highestAfter: 0,
      answer,
      resolve,
    }
    open.set(key, batch)
    if (!reading.has(key)) queue.push(key)
    return batch
  }

  return {
    async history(channel, afterOffset, { epoch, limit = Number.MAX_SAFE_INTEGER }) {
      const key = JSON.stringify([channel, epoch, limit])
      const batch = join(key, channel, epoch, limit)
      batch.afterOffset = Math.min(batch.afterOffset, afterOffset)
      batch.highestAfter = Math.max(batch.highestAfter, afterOffset)
      // Whoever asks in the same turn joins it.
      queueMicrotask(next)
      return cut(await batch.answer, afterOffset, limit)
    },
  }
}
