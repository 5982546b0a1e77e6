/** The seam of session stores: what is kept of a sender across its connections, so that each message is applied once and in order. */

/** A message that was refused; its `seq` is used up all the same. */
export interface Refused {
  /** The message's sequence number in its session. */
  readonly seq: number
  /** Why, for programs: `FORBIDDEN`, `INTERNAL`, `TIMEOUT`, `BAD_MESSAGE`. */
  readonly code: string
  /** Why, for people. */
  readonly message: string
}

/** One incarnation of a session. */
export interface SessionRecord {
  /** Its secret name, which only its client learns; without it nobody applies anything in this incarnation. */
  readonly tok: string
  /** The `gen` of its newest connection or request. */
  readonly gen: number
  /** The last `seq` that is used up; 0 before the first message. */
  readonly last: number
  /** The newest refusals: a client that missed a `nack` would read the next `ack` as "applied". */
  readonly refused: readonly Refused[]
}

/** One contact of a client: a connection that says hello, or a POST. */
export interface SessionContact {
  /** The incarnation that the client knows of; `undefined` at its first contact. */
  readonly tok: string | undefined
  /** Grows with each connection and request of the client. */
  readonly gen: number
  /** How long the incarnation lives from now on, in ms. */
  readonly ttlMs: number
}

/** A store of sessions, keyed by user and `sid`; each may have several incarnations, named by their `tok`. */
export interface SessionStore {
  /**
   * The incarnation that this contact belongs to: the one whose `tok` it presents, and `undefined` (stale) if that has
   * a higher `gen` by now. A contact that presents no `tok` that is kept gets a new incarnation beside the others,
   * and changes nothing of theirs. Rejects while the store is away.
   */
  contact(key: string, contact: SessionContact): Promise<SessionRecord | undefined>
  /**
   * A connection of this incarnation is open: however many others come, it is not pushed out. Returns a function that
   * ends that; idempotent. A store may leave `pin` out: of the incarnations of one session it then keeps the oldest.
   */
  pin?(key: string, tok: string): () => void
  /** The client is still connected: the incarnation lives for `ttlMs` from now on. Without effect if it is gone. */
  touch(key: string, tok: string, ttlMs: number): Promise<void>
  /**
   * The last `seq` of this incarnation that is used up; `undefined` if it is gone, or went on to
   * another server. If `seq` is the next one it is this server's until `advance`: a `contact` elsewhere waits.
   */
  begin(key: string, tok: string, seq: number): Promise<number | undefined>
  /** Uses up a `seq`; false if it is not the next one of this incarnation. `refused`: it was not applied. */
  advance(key: string, tok: string, seq: number, refused?: Refused): Promise<boolean>
}

/** Names one incarnation of a session: its key and `tok` together, since a client may present any `tok`. */
export const incarnationOf = (key: string, tok: string): string => `${key} ${tok}`

/**
 * Incarnations kept of one session. Beyond them the newest one goes whose `tok` was never presented again, or else the
 * newest of all: a stranger who learned the `sid` later than its owner pushes out only incarnations of his own.
 */
export const MAX_INCARNATIONS = 8
