/** What is kept of a sender across its connections, so that its messages are applied once and in order. */
import { randomBytes } from 'node:crypto'

/** A message that was refused; its place is used up. */
export interface Refused {
  readonly seq: number
  readonly code: string
  readonly message: string
}

/** One incarnation of a session. */
export interface SessionRecord {
  /** Its secret name: who does not know it applies nothing. */
  readonly tok: string
  /** The newest connection or request of it. */
  readonly gen: number
  /** The last sequence number whose place is used up. */
  readonly last: number
  /** The newest refusals: a client that lost the word of one would take it for applied. */
  readonly refused: readonly Refused[]
}

/** What a client says of itself on contact. */
export interface Contact {
  readonly tok: string | undefined
  readonly gen: number
  readonly ttlMs: number
}

/** A store of sessions, keyed by user and `sid`; each may have several incarnations, named by their `tok`. */
export interface Sessions {
  /**
   * The incarnation that this contact belongs to: the one whose `tok` it presents, and `undefined` (stale) if that has
   * a higher `gen` by now. A contact that presents no `tok` that is kept gets a new incarnation beside the others,
   * and changes nothing of theirs.
   */
  contact(key: string, contact: Contact): Promise<SessionRecord | undefined>
  /**
   * A connection of this incarnation is open: however many others come, it is not pushed out. Returns what ends that;
   * idempotent. A store may do without: it then keeps, of the incarnations of one session, the oldest.
   */
  hold?(key: string, tok: string): () => void
  /** The client is still there. */
  touch(key: string, tok: string, ttlMs: number): Promise<void>
  /**
   * The last place of this incarnation that is used up; `undefined` if it is gone, or went on to
   * another server. If `seq` is the next one it is this server's until `advance`: a `contact` elsewhere waits.
   */
  begin(key: string, tok: string, seq: number): Promise<number | undefined>
  /** Uses up a place; false if it is not the next one of this incarnation. */
  advance(key: string, tok: string, seq: number, refused?: Refused): Promise<boolean>
}

/** Names one incarnation of a session; a `tok` alone is what anybody may say. */
export const incarnationOf = (key: string, tok: string): string => `${key} ${tok}`

interface Incarnation {
  readonly key: string
  readonly tok: string
  gen: number
  last: number
  refused: readonly Refused[]
  expiresAt: number
  /** Somebody has come back with the `tok`, or applied something. */
  confirmed: boolean
  /** Connections that hold it. */
  holds: number
}

/** Refusals remembered: as many as a client may have in flight. */
export const MOST_IN_FLIGHT = 256

/**
 * Incarnations kept of one session. Beyond them the newest goes of those whose `tok` was never presented again, then
 * the newest of all: whoever learned a `sid` later than its owner pushes out only its own.
 */
export const MOST_INCARNATIONS = 8

/**
 * Sessions in this process's memory. Beyond `limit` incarnations one goes that no connection holds: of those whose
 * client never came back the one that was silent longest, then of the others.
 */
export const createMemorySessions = (now: () => number, limit = 10_000): Sessions => {
  /** By key and `tok`, the oldest first. */
  const sessions = new Map<string, Map<string, Incarnation>>()
  let size = 0
  /** What may be pushed out, the one that was silent longest first: a Set remembers the order of what was added last. */
  const unconfirmed = new Set<Incarnation>()
  const confirmed = new Set<Incarnation>()

  const unrank = (kept: Incarnation): void => {
    unconfirmed.delete(kept)
    confirmed.delete(kept)
  }

  const forget = (kept: Incarnation): void => {
    const { key, tok } = kept
    unrank(kept)
    const siblings = sessions.get(key)
    if (siblings?.delete(tok)) size--
    if (!siblings?.size) sessions.delete(key)
  }

  const isKept = ({ key, tok }: Incarnation): boolean => sessions.get(key)?.has(tok) === true

  /** As the one that was heard last. */
  const rank = (kept: Incarnation): void => {
    unrank(kept)
    if (isKept(kept) && !kept.holds) (kept.confirmed ? confirmed : unconfirmed).add(kept)
  }

  const find = (key: string, tok: string | undefined): Incarnation | undefined => {
    const kept = tok === undefined ? undefined : sessions.get(key)?.get(tok)
    if (!kept || kept.expiresAt > now()) return kept
    forget(kept)
    return undefined
  }

  const recordOf = ({ tok, gen, last, refused }: Incarnation): SessionRecord => ({
    tok,
    gen,
    last,
    refused,
  })

  /** Lets go of one that is too many beside this one. */
  const makeRoomBeside = (fresh: Incarnation): void => {
    const siblings = sessions.get(fresh.key) as Map<string, Incarnation>
    for (const each of [...siblings.values()]) if (each.expiresAt <= now()) forget(each)
    if (siblings.size > MOST_INCARNATIONS) {
      const others = [...siblings.values()].filter(each => each !== fresh && !each.holds)
      const gone = others.filter(each => !each.confirmed).at(-1) ?? others.at(-1)
      if (gone) forget(gone)
    }
    if (size > limit) {
      // A client that is still to come back from its first contact has nothing that could be lost.
      const [oldest, next] = unconfirmed
      const [silent] = confirmed
      const gone = (oldest === fresh ? next : oldest) ?? silent
      if (gone) forget(gone)
    }
  }

  return {
    async contact(key, { tok, gen, ttlMs }) {
      const expiresAt = now() + ttlMs
      const known = find(key, tok)
      if (known) {
        if (gen < known.gen) return undefined
        rank(Object.assign(known, { gen, expiresAt, confirmed: true }))
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
        holds: 0,
      }
      const siblings = sessions.get(key) ?? new Map<string, Incarnation>()
      sessions.set(key, siblings.set(fresh.tok, fresh))
      size++
      rank(fresh)
      makeRoomBeside(fresh)
      return recordOf(fresh)
    },
    hold(key, tok) {
      const kept = find(key, tok)
      if (!kept) return () => {}
      kept.holds++
      rank(kept)
      let held = true
      return () => {
        if (!held) return
        held = false
        kept.holds--
        rank(kept)
      }
    },
    async touch(key, tok, ttlMs) {
      const kept = find(key, tok)
      if (kept) rank(Object.assign(kept, { expiresAt: now() + ttlMs }))
    },
    // One process has no elsewhere: its turns are taken one after the other already.
    async begin(key, tok) {
      return find(key, tok)?.last
    },
    async advance(key, tok, seq, refused) {
      const kept = find(key, tok)
      if (!kept || seq !== kept.last + 1) return false
      kept.last = seq
      if (!kept.confirmed) {
        kept.confirmed = true
        rank(kept)
      }
      if (refused) kept.refused = [...kept.refused, refused].slice(-MOST_IN_FLIGHT)
      return true
    },
  }
}
