/** Brings what other servers publish in the order of each channel, also where a connection was lost between. */

import { createLruMap } from '../../lru-map.ts'
import type { Deliver, History, Published } from '../broker.ts'

export interface FanOutHooks {
  history(channel: string, afterOffset: number): Promise<History>
  deliver: Deliver
}

export interface FanOut {
  /** Something was published. */
  heard(published: Published): void
  /** Words may have been lost: looks for what is missing in all channels heard of. */
  catchUp(): Promise<void>
}

/** Channels whose place is remembered. A hole in another one is seen by its clients, who ask for what is missing. */
const MAX_CHANNELS = 10_000
/** Messages of a channel that wait for those before them. */
const MOST_HELD = 10_000
/** Histories read at a time. */
const AT_ONCE = 100

export const createFanOut = ({ history, deliver }: FanOutHooks): FanOut => {
  const places = createLruMap<{ readonly epoch: string; readonly offset: number }>(MAX_CHANNELS)
  const held = new Map<string, Published[]>()

  const pass = (published: Published): void => {
    const { channel, epoch, offset } = published
    const place = places.get(channel)
    if (place && place.epoch === epoch && offset <= place.offset) return
    places.set(channel, { epoch, offset })
    deliver(published)
  }

  const missedBy = async (channel: string): Promise<readonly Published[]> => {
    const place = places.get(channel)
    if (!place) return []
    const { epoch, messages } = await history(channel, place.offset)
    return epoch === place.epoch ? messages : (await history(channel, 0)).messages
  }

  const fill = async (channel: string, waiting: Published[]): Promise<void> => {
    held.set(channel, waiting)
    try {
      for (const each of await missedBy(channel)) pass(each)
    } catch {
      // Redis is away again. Clients see the hole by the offsets.
    } finally {
      held.delete(channel)
      for (const each of waiting) pass(each)
    }
  }

  return {
    heard(published) {
      const { channel, epoch, offset } = published
      const waiting = held.get(channel)
      const place = places.get(channel)
      if (waiting) {
        if (waiting.length < MOST_HELD) waiting.push(published)
      } else if (place?.epoch === epoch && offset > place.offset + 1) fill(channel, [published])
      else pass(published)
    },
    async catchUp() {
      const channels = places.keys().filter(channel => !held.has(channel))
      for (let from = 0; from < channels.length; from += AT_ONCE) {
        await Promise.all(channels.slice(from, from + AT_ONCE).map(channel => fill(channel, [])))
      }
    },
  }
}
