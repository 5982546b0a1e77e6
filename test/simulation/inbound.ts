/** What is published and what the client delivers of it, to every kind of listener: its side of the ledger. */

interface Listening {
  /** The last number delivered. */
  last: number | undefined
  /** From the number after this one on, everything is promised. */
  floor: number | undefined
  /** Something may be missing, nobody can know what: a link without protocol v1. */
  loose: boolean
  /** The first poll after such a link may say the newest message once more. */
  repeats: boolean
  /** The server will be heard to confirm. */
  awaited: boolean
  /** The server has lost the history that the client was in: it must be told. */
  owed: boolean
  /** What was delivered and told as lost, for those who listen to this channel alone. */
  readonly told: (number | string)[]
}

/** One subscription: it hears what the channel is told, from its beginning to its end. */
export interface Listener {
  hears(number: number): void
  hearsGap(reason: string): void
  ends(): void
}

export interface Inbound {
  readonly counts: { published: number; delivered: number }
  /** The next number of a channel. */
  publish(channel: string): number
  /** Listening begins, or begins anew: nothing from before is promised. */
  begins(channel: string, awaited?: boolean): void
  ends(channel: string): void
  /** A subscription to the channel begins. */
  listener(channel: string): Listener
  /** The server has confirmed: what is published from now on is promised. */
  confirmed(channel: string): void
  /** A server without protocol v1 was asked, which promises nothing. */
  asked(channel: string): void
  /** The server has refused the channel: unless something of it was heard, nothing is promised until it is. */
  refused(channel: string): void
  /** `plain`: on a link without positions. */
  delivered(channel: string, number: number, plain?: boolean): void
  /** `upTo`: what was published when it was told, where that is known better. */
  gap(channel: string | undefined, reason: string, upTo?: number): void
  /** The histories of all channels are others from now on. */
  forgot(): void
  message(message: object): void
  batch(messages: readonly object[]): void
  /** `plain`: the last link is one without positions. */
  finish(plain?: boolean): void
}

export interface InboundRules {
  /** Reasons of `gap` that something in the run can have caused. */
  readonly gaps: ReadonlySet<string>
  /** Ids are looked at. */
  readonly dedupes?: boolean
  /** Messages are batched. */
  readonly batches?: boolean
  /** Only the newest of a batch counts per key. */
  readonly conflate?: (message: object) => unknown
}

export const createInbound = (
  { gaps, dedupes, batches, conflate }: InboundRules,
  violation: (words: string) => void,
): Inbound => {
  const published = new Map<string, number>()
  const listening = new Map<string, Listening>()
  const listeners = new Set<() => void>()
  const counts = { published: 0, delivered: 0 }
  /** Delivered one by one, and not in a batch yet. */
  let unbatched: object[] = []

  const end = (channel: string): number => published.get(channel) ?? 0

  /** What is being told at this moment: who hears of a channel alone hears it after this, at once. */
  let telling: string | undefined
  const tells = (channel: string, what: number | string): void => {
    listening.get(channel)?.told.push(what)
    telling = `${channel} ${what}`
    queueMicrotask(() => {
      telling = undefined
    })
  }

  return {
    counts,
    publish(channel) {
      counts.published++
      const number = end(channel) + 1
      published.set(channel, number)
      return number
    },
    begins(channel, awaited = true) {
      const known = listening.get(channel)
      listening.set(channel, {
        last: undefined,
        floor: undefined,
        loose: false,
        repeats: false,
        awaited,
        owed: false,
        told: known?.told ?? [],
      })
    },
    ends: channel => void listening.delete(channel),
    listener(channel) {
      const state = listening.get(channel) as Listening
      const { told } = state
      let next = told.length
      // Who comes while a message is told may hear it or not, and so may who goes.
      const first = telling
      let active = true
      const hear = (what: number | string): void => {
        if (!active) return violation(`${channel}: a listener that has ended heard ${what}`)
        if (told[next] === what) next++
        else if (first !== `${channel} ${what}`) {
          violation(`${channel}: a listener heard ${what} instead of ${told[next]}`)
        }
      }
      const check = (): void => {
        const open = told.length - next
        if (open > 1 || (open === 1 && telling !== `${channel} ${told[next]}`)) {
          violation(`${channel}: a listener has not heard ${told[next]}`)
        }
      }
      listeners.add(check)
      return {
        hears: hear,
        hearsGap: hear,
        ends() {
          if (!active) return
          active = false
          check()
          listeners.delete(check)
        },
      }
    },
    confirmed(channel) {
      const state = listening.get(channel)
      if (state) state.floor ??= end(channel)
    },
    asked(channel) {
      const state = listening.get(channel)
      if (!state) return
      state.awaited = false
      state.loose = true
    },
    refused(channel) {
      const state = listening.get(channel)
      if (state && state.last === undefined) state.awaited = false
    },
    delivered(channel, number, plain = false) {
      counts.delivered++
      tells(channel, number)
      const state = listening.get(channel)
      if (!state) return
      const { last, floor, loose, awaited } = state
      if (loose && !plain) violation(`${channel}: ${number} follows a plain link without a word`)
      if (last !== undefined && number <= last && !loose && !(state.repeats && number === last)) {
        violation(`${channel}: ${number} was delivered after ${last}`)
      }
      const expected = Math.max(last ?? 0, floor ?? 0)
      const promised = last ?? (awaited ? floor : undefined)
      if (promised !== undefined && number > expected + 1 && !loose) {
        violation(`${channel}: ${number} was delivered after ${expected} without a word`)
      }
      if (number > end(channel)) violation(`${channel}: ${number} was never published`)
      state.repeats = false
      state.last = Math.max(number, last ?? 0)
    },
    gap(channel, reason, upTo) {
      if (!gaps.has(reason)) violation(`${channel}: a needless gap, ${reason}`)
      for (const [name, state] of listening) {
        if (channel !== undefined && name !== channel) continue
        tells(name, reason)
        // What was published until now may be what is missing; nothing after it is. Before the server has confirmed
        // nothing is promised anyway.
        const { last, floor, awaited } = state
        if (!awaited || (last ?? floor) !== undefined) state.floor = upTo ?? end(name)
        state.owed = false
        state.loose = channel === undefined
        // Where ids are looked at, it is known by its own.
        state.repeats = reason === 'reconnected' && !dedupes
      }
    },
    forgot() {
      for (const state of listening.values()) {
        if (state.last !== undefined || (state.floor !== undefined && state.awaited)) {
          state.owed = true
        }
      }
    },
    message(message) {
      if (batches) unbatched.push(message)
    },
    batch(messages) {
      if (!messages.length) violation('an empty batch')
      const until = unbatched.indexOf(messages.at(-1) as object)
      const held = unbatched.slice(0, until + 1)
      unbatched = unbatched.slice(until + 1)
      const newest = new Map<unknown, object>()
      for (const each of held) {
        const key = conflate?.(each) ?? each
        newest.delete(key)
        newest.set(key, each)
      }
      const expected = [...newest.values()]
      const same =
        expected.length === messages.length && messages.every((each, at) => each === expected[at])
      if (!same) violation(`a batch of ${messages.length} instead of ${expected.length}`)
    },
    finish(plain = false) {
      for (const [channel, { last, floor, loose, awaited, owed }] of listening) {
        const reached = Math.max(last ?? 0, floor ?? 0)
        if (loose && !plain) violation(`${channel}: a plain link ended without a word`)
        if (owed) violation(`${channel}: its history was lost without a word`)
        if (floor === undefined && awaited) violation(`${channel} was never confirmed`)
        else if ((last ?? floor) !== undefined && reached < end(channel) && !loose) {
          violation(`${channel}: ended at ${reached} of ${end(channel)} without a word`)
        }
      }
      for (const check of listeners) check()
      if (unbatched.length) violation(`${unbatched.length} messages were in no batch`)
    },
  }
}
