/**
 * Protocol v1 as the client keeps it: who it is to the server, and where it stands in each channel.
 * One session and one cursor per channel serve the WebSocket and polling alike.
 */

/** A place in a channel's history. */
export interface Position {
  readonly epoch: string
  offset: number
}

/** What the session needs of the client. */
export interface SessionHost {
  newId(): string
  secret(): string | undefined
  /** Everything up to here is applied. False if it was never sent. */
  acked(seq: number): boolean
  /** The message at this place was refused. */
  refusedAt(seq: number, code: string): void
  /** The server knows nothing of what was sent: it is in nobody's hands. */
  sessionLost(): void
  gap(channel: string, reason: string): void
  recovered(channel: string, replayed: number): void
  /** The server has answered for this channel. */
  confirmed(channel: string): void
  /** Channels that somebody listens to. */
  channels(): readonly string[]
  /** Somebody listens to this channel. */
  wants(channel: string): boolean
  /** Messages are missing: asks for them again, if there is somebody to ask. */
  ask(id: string, channels: readonly string[]): void
}

export type Fields = Record<string, unknown>

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
  /** Where we stand in a channel; `null`: nowhere yet. */
  position(channel: string): Position | null
  forget(channel: string): void
  /**
   * The answer to a contact that carried `carried`. Settles what was applied; true if it speaks of
   * this session and makes sense, or if a listener has ended the user whom it answers.
   */
  answered(answer: Fields, carried: string | undefined): boolean
  /** What the server says of channels. */
  verdicts(channels: unknown, answer?: Answer): void
  /**
   * Why this message of a channel is not to be delivered; `undefined`: it is the next one. If one before it is missing, that
   * is asked for.
   */
  obstacle(channel: string, offset: number): Obstacle | undefined
  /** Channels went on without positions: where one stands nowhere, what it missed nobody can know. */
  adrift(): void
  /** The server may not have heard what it was asked: asks again. */
  askAgain(): void
  /** The newest offsets that the server has sent: notices a lost last message. */
  heads(heads: Fields): void
  /** Another user: nothing of the one before is left. */
  renew(): void
  /** A connection begins or ended: what was asked before is not answered, and what was being said not listened to. */
  unasked(): void
}

/** Where a message is that is not the next of its channel; `noCursor`: the server has not said yet where that begins. */
export type Obstacle = 'belowCursor' | 'aboveCursor' | 'noCursor'

/** What the server's verdicts come with. */
export interface Answer {
  /** The id of the question; none: it answers them all, as a welcome and a poll do. */
  readonly id?: string | undefined
  /** The offsets of the first messages of a poll. */
  readonly firsts?: ReadonlyMap<unknown, number>
  /** What is recovered is no news. */
  readonly quiet?: boolean
}

/** Cursors kept of channels that nobody asked for; no server may make us keep more. */
const MOST_CURSORS = 10_000

/** Characters of channels and positions in one frame, which servers may want to be small. */
const PART = 1500
const POSITION = 50

export const inParts = (channels: readonly string[]): string[][] => {
  const parts: string[][] = []
  let room = 0
  for (const channel of channels) {
    room -= channel.length + POSITION
    if (room <= 0) {
      parts.push([])
      room = PART - channel.length - POSITION
    }
    parts.at(-1)?.push(channel)
  }
  return parts
}

export const isWhole = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0

export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {}

export const createSession = (host: SessionHost): Session => {
  let sid: string | undefined
  let tok: string | undefined
  let gen = 0
  const cursors = new Map<string, Position>()
  /** Channels that were asked for again and are not answered yet, with the ids of those questions. */
  const asked = new Map<string, string>()
  /** Channels that went on without positions, and have none since. */
  const lost = new Set<string>()
  /** Users and links so far: a listener may end either, and then what is being said is nobody's business any more. */
  let users = 0
  let links = 0

  const ask = (channels: readonly string[]): void => {
    for (const part of inParts(channels.filter(channel => !asked.has(channel)))) {
      const id = host.newId()
      for (const channel of part) asked.set(channel, id)
      host.ask(id, part)
    }
  }

  const set = (channel: string, epoch: string, offset: number): void => {
    if (cursors.size < MOST_CURSORS || cursors.has(channel) || host.wants(channel)) {
      cursors.set(channel, { epoch, offset })
    }
  }

  const id = (): string | undefined => (sid ??= host.secret())

  return {
    id,
    knows: () => tok !== undefined,
    contact: () => ({ sid: `${id()}`, tok, gen: ++gen }),
    position: channel => cursors.get(channel) ?? null,
    forget(channel) {
      cursors.delete(channel)
      lost.delete(channel)
      asked.delete(channel)
    },
    answered({ tok: theirs, ack, refused }, carried) {
      if (typeof theirs !== 'string' || !isWhole(ack)) return false
      const user = users
      if (theirs !== tok) {
        // The answer to a request that did not know our `tok` says nothing of our session.
        if (carried !== tok) return false
        const forgotten = tok !== undefined
        // First: a listener that hears of the loss may send, and that belongs to this incarnation.
        tok = theirs
        if (forgotten) host.sessionLost()
      }
      for (const each of Array.isArray(refused) ? refused : []) {
        const { seq, code } = fields(each)
        if (isWhole(seq)) host.refusedAt(seq, `${code}`)
      }
      // What the next user sends has places of its own.
      return user !== users || host.acked(ack)
    },
    verdicts(channels, { id, firsts, quiet } = {}) {
      const user = users
      const link = links
      // A poll goes on without the link.
      const isOver = (): boolean => user !== users || (link !== links && !firsts)
      for (const [channel, verdict] of Object.entries(fields(channels))) {
        if (isOver()) return
        const { epoch, offset, recovered, replayed, reason } = fields(verdict)
        if (typeof epoch !== 'string' || !isWhole(offset)) continue
        const wanted = host.wants(channel)
        // The answer to an older question may still come: from nowhere, say, where we stand somewhere by now.
        const answers = asked.has(channel) && (id === undefined || asked.get(channel) === id)
        if (answers) asked.delete(channel)
        const cursor = cursors.get(channel)
        const same = cursor?.epoch === epoch
        const start = firsts?.get(channel)
        const begins = start === undefined ? offset : start - 1
        // Nobody is promised anything in a channel that nobody asked for; only back it does not go.
        if (!wanted && (!firsts || (same && cursor.offset >= begins))) continue
        if (wanted) host.confirmed(channel)
        if (!cursor || !wanted) {
          set(channel, epoch, begins)
          if (lost.delete(channel)) host.gap(channel, 'reconnected')
        } else if (same && recovered === true) {
          const many = isWhole(replayed) ? replayed : 0
          if (!quiet) host.recovered(channel, many)
          if (isOver()) return
          const follows = offset - many
          // What follows does not begin where we are: the answer to a question that the other transport has
          // overtaken. If asking again does not help, there is a hole, whatever the server calls it.
          if (follows > cursor.offset && answers) {
            set(channel, epoch, follows)
            host.gap(channel, 'trimmed')
          } else if (follows > cursor.offset) ask([channel])
        } else if (!same || cursor.offset < offset || reason === 'ahead') {
          set(channel, epoch, offset)
          host.gap(channel, typeof reason === 'string' ? reason : 'epoch')
        }
      }
    },
    obstacle(channel, offset) {
      const cursor = cursors.get(channel)
      // Where somebody listens the server says first where it goes on; what comes before that was asked for by one
      // who has left.
      if (!cursor) return host.wants(channel) ? 'noCursor' : undefined
      if (offset <= cursor.offset) return 'belowCursor'
      if (offset > cursor.offset + 1) {
        ask([channel])
        return 'aboveCursor'
      }
      cursor.offset = offset
      return undefined
    },
    adrift() {
      for (const channel of host.channels()) if (!cursors.has(channel)) lost.add(channel)
    },
    askAgain() {
      const unanswered = [...asked.keys()]
      asked.clear()
      ask(unanswered)
    },
    heads(heads) {
      const isBehind = (channel: string): boolean => {
        const cursor = cursors.get(channel)
        const head = heads[channel]
        return cursor !== undefined && isWhole(head) && head > cursor.offset
      }
      ask(Object.keys(heads).filter(isBehind))
    },
    renew() {
      sid = undefined
      tok = undefined
      gen = 0
      cursors.clear()
      lost.clear()
      users++
    },
    unasked() {
      asked.clear()
      links++
    },
  }
}
