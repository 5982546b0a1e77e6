/** Reads few histories at a time, and one for all callers that ask for the same channel. */
import type { History, HistoryQuery } from '../broker.ts'

/** One read of a channel for several callers. */
export interface HistoryRead {
  /** The lowest one of the callers: all messages that any of them needs. */
  readonly afterOffset: number
  /** The highest one: if even its caller is beyond the limit, nobody gets a message. */
  readonly highestAfter: number
  readonly epoch: string | undefined
  readonly limit: number
}

export interface HistoryReadsDeps {
  read(channel: string, read: HistoryRead): Promise<History>
  /** Reads at a time. */
  readonly maxReads: number
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

/** The part of an answer that one of its callers gets. */
const cut = (answer: History, afterOffset: number, limit: number): History => {
  const { epoch, offset, messages } = answer
  const missed = Math.max(0, offset - afterOffset)
  if (missed > limit) return { ...answer, messages: [] }
  if (missed >= messages.length) return { epoch, offset, messages }
  return { epoch, offset, messages: messages.slice(messages.length - missed) }
}

export const createHistoryReads = ({ read, maxReads }: HistoryReadsDeps): HistoryReads => {
  /** Batches that have not been sent to the store: other callers may still join them. */
  const open = new Map<string, Batch>()
  /** Those that are being read. Nobody joins them: their answer may be older than a publication that the caller knows. */
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
    while (reading.size < maxReads && queue.length) start(queue.shift() as string)
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
      // Callers of the same turn join it.
      queueMicrotask(next)
      return cut(await batch.answer, afterOffset, limit)
    },
  }
}
