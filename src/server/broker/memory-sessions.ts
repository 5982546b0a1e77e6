/** Sessions in this process's memory. */
import { randomBytes } from 'node:crypto'
import { MAX_IN_FLIGHT } from '../../protocol/constants.ts'
import {
  MAX_INCARNATIONS,
  type Refused,
  type SessionRecord,
  type SessionStore,
} from './session-store.ts'

interface Incarnation {
  readonly key: string
  readonly tok: string
  gen: number
  last: number
  refused: readonly Refused[]
  expiresAt: number
  /** A client has come back with the `tok`, or applied a message. */
  confirmed: boolean
  /** Open connections that pin it. */
  pins: number
}

/** Incarnations of all sessions. */
const MAX_TOTAL = 10_000

const recordOf = ({ tok, gen, last, refused }: Incarnation): SessionRecord => ({
  tok,
  gen,
  last,
  refused,
})

/**
 * All incarnations, and the order in which they may be pushed out. Beyond `limit` one goes that no connection pins: of those
 * whose client never came back the one that was silent longest, or else of the others.
 */
class Incarnations {
  readonly #now: () => number
  readonly #limit: number
  /** By key and `tok`, the oldest first. */
  readonly #sessions = new Map<string, Map<string, Incarnation>>()
  #size = 0
  // Those that may be pushed out, the one that was silent longest first: a Set iterates in the order of insertion.
  readonly #unconfirmed = new Set<Incarnation>()
  readonly #confirmed = new Set<Incarnation>()

  constructor(now: () => number, limit: number) {
    this.#now = now
    this.#limit = limit
  }

  find(key: string, tok: string | undefined): Incarnation | undefined {
    const incarnation = tok === undefined ? undefined : this.#sessions.get(key)?.get(tok)
    if (!incarnation || incarnation.expiresAt > this.#now()) return incarnation
    this.#forget(incarnation)
    return undefined
  }

  add(fresh: Incarnation): void {
    const { key, tok } = fresh
    const siblings = this.#sessions.get(key) ?? new Map<string, Incarnation>()
    this.#sessions.set(key, siblings.set(tok, fresh))
    this.#size++
    this.touch(fresh)
    this.#makeRoomBeside(fresh, siblings)
  }

  /** Makes it the one that was active last. */
  touch(incarnation: Incarnation): void {
    this.#unrank(incarnation)
    const { key, tok, pins, confirmed } = incarnation
    if (pins || !this.#sessions.get(key)?.has(tok)) return
    if (confirmed) this.#confirmed.add(incarnation)
    else this.#unconfirmed.add(incarnation)
  }

  #unrank(incarnation: Incarnation): void {
    this.#unconfirmed.delete(incarnation)
    this.#confirmed.delete(incarnation)
  }

  #forget(incarnation: Incarnation): void {
    const { key, tok } = incarnation
    this.#unrank(incarnation)
    const siblings = this.#sessions.get(key)
    if (siblings?.delete(tok)) this.#size--
    if (!siblings?.size) this.#sessions.delete(key)
  }

  /** Forgets one incarnation that is too many beside a new one. */
  #makeRoomBeside(fresh: Incarnation, siblings: ReadonlyMap<string, Incarnation>): void {
    for (const each of [...siblings.values()]) if (each.expiresAt <= this.#now()) this.#forget(each)
    if (siblings.size > MAX_INCARNATIONS) {
      const others = [...siblings.values()].filter(each => each !== fresh && !each.pins)
      const newest = others.filter(each => !each.confirmed).at(-1) ?? others.at(-1)
      if (newest) this.#forget(newest)
    }
    if (this.#size > this.#limit) {
      // A client that has not come back since its first contact has nothing that it could lose.
      const [oldest, next] = this.#unconfirmed
      const [oldestConfirmed] = this.#confirmed
      const silent = (oldest === fresh ? next : oldest) ?? oldestConfirmed
      if (silent) this.#forget(silent)
    }
  }
}

/** The session store of a `MemoryBroker`. `now`: the clock, ms since the epoch; `limit`: incarnations that are kept. */
export const createMemorySessions = (
  now: () => number,
  limit: number = MAX_TOTAL,
): SessionStore => {
  const incarnations = new Incarnations(now, limit)
  return {
    async contact(key, { tok, gen, ttlMs }) {
      const expiresAt = now() + ttlMs
      const known = incarnations.find(key, tok)
      if (known) {
        if (gen < known.gen) return undefined
        incarnations.touch(Object.assign(known, { gen, expiresAt, confirmed: true }))
        return recordOf(known)
      }
      const fresh: Incarnation = {
        key,
        tok: randomBytes(16).toString('base64url'),
        gen,
        last: 0,
        refused: [],
        expiresAt,
        confirmed: false,
        pins: 0,
      }
      incarnations.add(fresh)
      return recordOf(fresh)
    },
    pin(key, tok) {
      const incarnation = incarnations.find(key, tok)
      if (!incarnation) return () => {}
      incarnation.pins++
      incarnations.touch(incarnation)
      let pinned = true
      return () => {
        if (!pinned) return
        pinned = false
        incarnation.pins--
        incarnations.touch(incarnation)
      }
    },
    async touch(key, tok, ttlMs) {
      const incarnation = incarnations.find(key, tok)
      if (incarnation) incarnations.touch(Object.assign(incarnation, { expiresAt: now() + ttlMs }))
    },
    // One process applies the messages of an incarnation one after the other already: there is nothing to reserve.
    async begin(key, tok) {
      return incarnations.find(key, tok)?.last
    },
    async advance(key, tok, seq, refused) {
      const incarnation = incarnations.find(key, tok)
      if (!incarnation || seq !== incarnation.last + 1) return false
      incarnation.last = seq
      if (!incarnation.confirmed) {
        incarnation.confirmed = true
        incarnations.touch(incarnation)
      }
      if (refused) incarnation.refused = [...incarnation.refused, refused].slice(-MAX_IN_FLIGHT)
      return true
    },
  }
}
