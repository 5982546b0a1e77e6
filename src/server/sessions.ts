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

/** A store of sessions, keyed by user and `sid`. */
export interface Sessions {
  /**
   * The incarnation that this contact belongs to: the current one if it knows its `tok`, a new one if it
   * comes later than any before and does not, and `undefined` (stale) otherwise. Who does not know the
   * `tok` never gets the current one.
   */
  contact(key: string, contact: Contact): Promise<SessionRecord | undefined>
  /**
   * A connection of this session is open: however many others come, it is not pushed out. Returns what ends that;
   * idempotent. A store that pushes nothing out needs no such thing.
   */
  hold?(key: string): () => void
  /** The client is still there. */
  touch(key: string, tok: string, ttlMs: number): Promise<void>
  /**
   * The last place of this incarnation that is used up; `undefined` if it is another one or gone, or went on to
   * another server. If `seq` is the next one it is this server's until `advance`: a `contact` elsewhere waits.
   */
  begin(key: string, tok: string, seq: number): Promise<number | undefined>
  /** Uses up a place; false if it is not the next one of this incarnation. */
  advance(key: string, tok: string, seq: number, refused?: Refused): Promise<boolean>
}

interface Kept {
  tok: string
  gen: number
  last: number
  refused: readonly Refused[]
  expiresAt: number
  /** Somebody has come back with the `tok`, or applied something. */
  confirmed: boolean
}

/** Refusals remembered: as many as a client may have in flight. */
export const MOST_IN_FLIGHT = 256

/**
 * Sessions in this process's memory. Beyond `limit` one goes that no connection holds: of those whose client never
 * came back the one that was silent longest, then of the others.
 */
export const createMemorySessions = (now: () => number, limit = 10_000): Sessions => {
  const sessions = new Map<string, Kept>()
  /** Connections that hold a session. */
  const holds = new Map<string, number>()
  /** What may be pushed out, the one that was silent longest first: a Set remembers the order of what was added last. */
  const unconfirmed = new Set<string>()
  const confirmed = new Set<string>()

  const forget = (key: string): void => {
    sessions.delete(key)
    unconfirmed.delete(key)
    confirmed.delete(key)
  }

  /** As the one that was heard last. */
  const rank = (key: string): void => {
    unconfirmed.delete(key)
    confirmed.delete(key)
    const kept = sessions.get(key)
    if (kept && !holds.has(key)) (kept.confirmed ? confirmed : unconfirmed).add(key)
  }

  const find = (key: string): Kept | undefined => {
    const kept = sessions.get(key)
    if (!kept || kept.expiresAt > now()) return kept
    forget(key)
    return undefined
  }

  const current = (key: string, tok: string): Kept | undefined => {
    const kept = find(key)
    return kept?.tok === tok ? kept : undefined
  }

  const recordOf = ({ tok, gen, last, refused }: Kept): SessionRecord => ({
    tok,
    gen,
    last,
    refused,
  })

  const keep = (key: string, kept: Kept): SessionRecord => {
    sessions.set(key, kept)
    rank(key)
    if (sessions.size > limit) {
      // A client that is still to come back from its first contact has nothing that could be lost.
      const [oldest, next] = unconfirmed
      const [silent] = confirmed
      const gone = (oldest === key ? next : oldest) ?? silent
      if (gone !== undefined && gone !== key) forget(gone)
    }
    return recordOf(kept)
  }

  return {
    async contact(key, { tok, gen, ttlMs }) {
      const expiresAt = now() + ttlMs
      const kept = find(key)
      if (kept && gen < kept.gen) return undefined
      if (kept && kept.tok === tok) {
        return keep(key, Object.assign(kept, { gen, expiresAt, confirmed: true }))
      }
      // A first contact that was repeated, or delayed until after another took hold of the session.
      if (kept && gen === kept.gen && kept.confirmed) return undefined
      const fresh = randomBytes(16).toString('base64url')
      return keep(key, {
        tok: fresh,
        gen,
        last: 0,
        refused: [],
        expiresAt,
        confirmed: false,
      })
    },
    hold(key) {
      holds.set(key, (holds.get(key) ?? 0) + 1)
      rank(key)
      let held = true
      return () => {
        if (!held) return
        held = false
        const left = (holds.get(key) ?? 0) - 1
        if (left) holds.set(key, left)
        else holds.delete(key)
        rank(key)
      }
    },
    async touch(key, tok, ttlMs) {
      const kept = current(key, tok)
      if (kept) keep(key, Object.assign(kept, { expiresAt: now() + ttlMs }))
    },
    // One process has no elsewhere: its turns are taken one after the other already.
    async begin(key, tok) {
      return current(key, tok)?.last
    },
    async advance(key, tok, seq, refused) {
      const kept = current(key, tok)
      if (!kept || seq !== kept.last + 1) return false
      kept.last = seq
      if (!kept.confirmed) {
        kept.confirmed = true
        rank(key)
      }
      if (refused) kept.refused = [...kept.refused, refused].slice(-MOST_IN_FLIGHT)
      return true
    },
  }
}
