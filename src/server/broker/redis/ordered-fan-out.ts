/** Delivers the publications of all servers in the order of each channel, also where pub/sub lost some of them. */
import { createLruMap } from '../../lru-map.ts'
import type { Deliver, History, Published } from '../broker.ts'

export interface OrderedFanOutDeps {
  readHistory(channel: string, afterOffset: number): Promise<History>
  deliver: Deliver
}

export interface OrderedFanOut {
  /** A publication came by pub/sub. */
  onPublished(published: Published): void
  /** Pub/sub messages may have been lost: reads the missing ones of every known channel. */
  catchUp(): Promise<void>
}

/** Channels whose position is kept. A hole in another one is noticed by its clients, who ask for the missing messages. */
const MAX_CHANNELS = 10_000
/** Messages of a channel that wait for missing ones. */
const MAX_BUFFERED = 10_000
/** Histories read at a time. */
const MAX_READS = 100

export const createOrderedFanOut = ({ readHistory, deliver }: OrderedFanOutDeps): OrderedFanOut => {
  /** The position of the last message that was delivered, by channel. */
  const positions = createLruMap<{ readonly epoch: string; readonly offset: number }>(MAX_CHANNELS)
  /** Messages that wait while the history is read, by channel. */
  const buffers = new Map<string, Published[]>()

  const deliverOnce = (published: Published): void => {
    const { channel, epoch, offset } = published
    const position = positions.get(channel)
    if (position && position.epoch === epoch && offset <= position.offset) return
    positions.set(channel, { epoch, offset })
    deliver(published)
  }

  const readMissing = async (channel: string): Promise<readonly Published[]> => {
    const position = positions.get(channel)
    if (!position) return []
    const { epoch, messages } = await readHistory(channel, position.offset)
    return epoch === position.epoch ? messages : (await readHistory(channel, 0)).messages
  }

  const fillHole = async (channel: string, buffered: Published[]): Promise<void> => {
    buffers.set(channel, buffered)
    try {
      for (const each of await readMissing(channel)) deliverOnce(each)
    } catch {
      // Redis is away again. Clients notice the hole by the offsets.
    } finally {
      buffers.delete(channel)
      for (const each of buffered) deliverOnce(each)
    }
  }

  return {
    onPublished(published) {
      const { channel, epoch, offset } = published
      const buffered = buffers.get(channel)
      const position = positions.get(channel)
      if (buffered) {
        if (buffered.length < MAX_BUFFERED) buffered.push(published)
      } else if (position?.epoch === epoch && offset > position.offset + 1) {
        fillHole(channel, [published])
      } else deliverOnce(published)
    },
    async catchUp() {
      const channels = positions.keys().filter(channel => !buffers.has(channel))
      for (let from = 0; from < channels.length; from += MAX_READS) {
        const some = channels.slice(from, from + MAX_READS)
        await Promise.all(some.map(channel => fillHole(channel, [])))
      }
    },
  }
}
