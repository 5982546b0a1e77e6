/** The session of protocol v1 as the client keeps it: `sid`, `tok`, `gen`, and what the server acknowledges in it. */
import { type Fields, fields, isWhole } from '../fields.ts'
import type { SessionsDeps } from './deps.ts'

/** Who the client is on a new connection or request. */
export interface Contact {
  readonly sid: string
  readonly tok: string | undefined
  readonly gen: number
}

export interface Session {
  /** `undefined` where nothing can be kept secret: then there is no contact. */
  id(): string | undefined
  /** The server has named this session: messages may have places in it. */
  knows(): boolean
  /** Who we are, for a new connection or request; each has a higher `gen` than all before. */
  contact(): Contact
  /**
   * The answer to a contact that carried `carried`. Settles what was applied; true if it speaks of
   * this session and makes sense, or if a listener has ended the user whom it answers.
   */
  answered(answer: Fields, carried: string | undefined): boolean
  /** Another user: nothing of the one before is left. */
  renew(): void
}

export const createSession = ({
  secret,
  sequence,
}: Pick<SessionsDeps, 'secret' | 'sequence'>): Session => {
  let sid: string | undefined
  let tok: string | undefined
  let gen = 0
  /** Users so far: a listener may end the one whom an answer is about. */
  let users = 0

  const id = (): string | undefined => (sid ??= secret())

  return {
    id,
    knows: () => tok !== undefined,
    contact: () => ({ sid: `${id()}`, tok, gen: ++gen }),
    answered({ tok: theirs, ack, refused }, carried) {
      if (typeof theirs !== 'string' || !isWhole(ack)) return false
      const user = users
      if (theirs !== tok) {
        // The answer to a request that did not know our `tok` says nothing of our session.
        if (carried !== tok) return false
        const forgotten = tok !== undefined
        // First: a listener that hears of the loss may send, and that belongs to this incarnation.
        tok = theirs
        if (forgotten) sequence.lost()
      }
      for (const each of Array.isArray(refused) ? refused : []) {
        const { seq, code, message } = fields(each)
        const detail = typeof message === 'string' ? message : undefined
        if (isWhole(seq)) sequence.refused(seq, `${code}`, detail)
      }
      // What the next user sends has places of its own.
      return user !== users || sequence.acked(ack)
    },
    renew() {
      sid = undefined
      tok = undefined
      gen = 0
      users++
    },
  }
}
