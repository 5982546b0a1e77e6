/** Counts what came on each channel by its offsets: 1, 2, 3, ... unless something is lost or doubled. */

export interface ChannelCount {
  readonly channel: string
  readonly received: number
  /** The offsets since the last reported gap. */
  readonly first: number
  readonly last: number
  /** Offsets that were passed over in silence. */
  readonly missing: number
  /** Offsets that came again. */
  readonly doubled: number
  /** Gaps that the library told us about: not silent, and the page reloads what it shows. */
  readonly gaps: number
}

export interface Integrity {
  arrived(channel: string, offset: number): void
  /** The library says that messages may be missing, on one channel or on all. */
  gap(channel: string | undefined): void
  counts(): ChannelCount[]
}

type Counting = { -readonly [Field in keyof ChannelCount]: ChannelCount[Field] }

export const createIntegrity = (): Integrity => {
  const channels = new Map<string, Counting>()
  const of = (channel: string): Counting => {
    const known = channels.get(channel)
    if (known) return known
    const fresh = { channel, received: 0, first: 0, last: 0, missing: 0, doubled: 0, gaps: 0 }
    channels.set(channel, fresh)
    return fresh
  }
  return {
    arrived(channel, offset) {
      const count = of(channel)
      count.received++
      if (!count.last) count.first = offset
      else if (offset <= count.last) count.doubled++
      else count.missing += offset - count.last - 1
      count.last = Math.max(count.last, offset)
    },
    gap(channel) {
      for (const count of channel === undefined ? channels.values() : [of(channel)]) {
        count.gaps++
        count.first = count.last = 0
      }
    },
    counts: () => [...channels.values()].map(count => ({ ...count })),
  }
}
