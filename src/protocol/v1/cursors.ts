/** Where the client stands in each channel of a server of protocol v1; the WebSocket and polling move the same cursors. */
import { type Channel, type Channels, isWanted } from '../../channels/channel.ts'
import { type Fields, fields, isWhole } from '../fields.ts'

export interface CursorsDeps {
  readonly channels: Channels
  newId(): string
  /** Messages of these channels are missing: asks for them again, if there is a link to ask on. */
  resubscribe(id: string, names: readonly string[]): void
  /** The server has answered for a channel that the application listens to. */
  onConfirmed(name: string): void
  onGap(name: string, reason: string): void
  onRecovered(name: string, replayed: number): void
}

export interface Cursors {
  /** Where the client stands in these channels, as a `subscribe` or `hello` says it; `null`: from now on. */
  positions(names: readonly string[]): Fields
  /** The server's recoveries, by channel: moves the cursors (R9), and reports what was recovered or is lost. */
  applyRecoveries(recoveries: unknown, answer?: Answer): void
  /**
   * Why a message of a channel is not to be delivered (R10); `undefined`: it is the next one, and the cursor has moved to
   * it. If one before it is missing, that is asked for.
   */
  obstacle(name: string, offset: number): Obstacle | undefined
  /** Compares the newest offsets that the server has sent with the cursors, so that a lost last message is noticed (R11). */
  checkHeads(heads: Fields): void
  /** Channels went on without positions: where one has no cursor, nobody can know what the client has missed. */
  onPlainLink(): void
  /** The server may have ignored a request for missing messages: asks again. */
  askAgain(): void
  /** A link begins or ended: no answer is awaited, and what is left of the one being handled is ignored. */
  cancelPending(): void
  /** Another user: no position of the former one is left. */
  reset(): void
}

/** Where a message is that is not the next of its channel; `noCursor`: the server has not said yet where that begins. */
export type Obstacle = 'belowCursor' | 'aboveCursor' | 'noCursor'

/** What the server's recoveries come with. */
export interface Answer {
  /** The id of the `subscribe` that they answer. Absent: they answer every one, as those of a welcome and a poll do. */
  readonly id?: string | undefined
  /** The offset of the first message of each channel in a poll. */
  readonly firstOffsets?: ReadonlyMap<unknown, number>
  /** Nothing is reported as recovered: polls before this one brought it. */
  readonly silent?: boolean
}

/** What the server says of one channel, where it makes sense. */
interface Recovery {
  readonly epoch: string
  readonly offset: number
  readonly recovered: boolean
  readonly replayed: number
  readonly reason: string | undefined
}

/** Records kept for the sake of channels that nobody asked for: no server may make the client keep more. */
const MAX_RECORDS = 10_000

/** Characters of channels and positions in one frame, which servers may want to be small. */
const PART_LENGTH = 1500
const POSITION_LENGTH = 50

export const inParts = (names: readonly string[]): string[][] => {
  const parts: string[][] = []
  let room = 0
  for (const name of names) {
    room -= name.length + POSITION_LENGTH
    if (room <= 0) {
      parts.push([])
      room = PART_LENGTH - name.length - POSITION_LENGTH
    }
    parts.at(-1)?.push(name)
  }
  return parts
}

const readRecovery = (given: unknown): Recovery | undefined => {
  const { epoch, offset, recovered, replayed, reason } = fields(given)
  if (typeof epoch !== 'string' || !isWhole(offset)) return undefined
  return {
    epoch,
    offset,
    recovered: recovered === true,
    replayed: isWhole(replayed) ? replayed : 0,
    reason: typeof reason === 'string' ? reason : undefined,
  }
}

export const createCursors = (deps: CursorsDeps): Cursors => {
  const { channels } = deps
  /** Users and links so far: a listener may end either, and what is left of an answer is then ignored. */
  let users = 0
  let links = 0

  const ask = (names: readonly string[]): void => {
    const due = names.filter(name => channels.of(name).resumeId === undefined)
    for (const part of inParts(due)) {
      const id = deps.newId()
      for (const name of part) channels.of(name).resumeId = id
      deps.resubscribe(id, part)
    }
  }

  const move = (name: string, epoch: string, offset: number): void => {
    if (channels.size < MAX_RECORDS || channels.get(name)) {
      channels.of(name).cursor = { epoch, offset }
    }
  }

  /** The channel has no cursor to be compared with: this is where it goes on. */
  const begin = (name: string, epoch: string, offset: number): void => {
    move(name, epoch, offset)
    const channel = channels.get(name)
    if (!channel?.isUnpositioned) return
    channel.isUnpositioned = false
    deps.onGap(name, 'reconnected')
  }

  /** Everything missing follows. `answers`: it was asked for because of a hole. */
  const recover = (
    { name, cursor }: Channel,
    { epoch, offset, replayed }: Recovery,
    answers: boolean,
  ): void => {
    const follows = offset - replayed
    if (!cursor || follows <= cursor.offset) return
    // What follows does not begin where the client is: the answer to a question that the other transport has overtaken.
    // If asking again does not help, there is a hole, whatever the server calls it.
    if (!answers) return ask([name])
    move(name, epoch, follows)
    deps.onGap(name, 'trimmed')
  }

  /** A channel that somebody listens to; `isOver`: a listener has ended what this is the answer of. */
  const apply = (
    channel: Channel,
    recovery: Recovery,
    { id, silent }: Answer,
    begins: number,
    isOver: () => boolean,
  ): void => {
    const { name, resumeId, cursor } = channel
    const { epoch, offset, recovered, replayed, reason } = recovery
    // The answer to an older question may still come: from nowhere, say, where the client has a cursor by now.
    const answers = resumeId !== undefined && (id === undefined || resumeId === id)
    if (answers) channel.resumeId = undefined
    deps.onConfirmed(name)
    if (!cursor) return begin(name, epoch, begins)
    const isSame = cursor.epoch === epoch
    if (isSame && recovered) {
      if (!silent) deps.onRecovered(name, replayed)
      if (!isOver()) recover(channel, recovery, answers)
    } else if (!isSame || cursor.offset < offset || reason === 'ahead') {
      move(name, epoch, offset)
      deps.onGap(name, reason ?? 'epoch')
    }
  }

  return {
    positions: names =>
      Object.fromEntries(names.map(name => [name, channels.get(name)?.cursor ?? null])),
    applyRecoveries(recoveries, answer = {}) {
      const user = users
      const link = links
      const { firstOffsets } = answer
      // A poll goes on without the link.
      const isOver = (): boolean => user !== users || (link !== links && !firstOffsets)
      for (const [name, given] of Object.entries(fields(recoveries))) {
        if (isOver()) return
        const recovery = readRecovery(given)
        if (!recovery) continue
        const { epoch, offset } = recovery
        const channel = channels.get(name)
        const first = firstOffsets?.get(name)
        const begins = first === undefined ? offset : first - 1
        if (channel && isWanted(channel)) {
          apply(channel, recovery, answer, begins, isOver)
          continue
        }
        // Nobody is promised anything in a channel that nobody asked for; only back it does not go.
        const cursor = channel?.cursor
        const isBack = cursor?.epoch === epoch && cursor.offset >= begins
        if (firstOffsets && !isBack) begin(name, epoch, begins)
      }
    },
    obstacle(name, offset) {
      const channel = channels.get(name)
      const cursor = channel?.cursor
      // Where somebody listens the server says first where it goes on; a message before that was asked for by a
      // subscription that has ended.
      if (!cursor) return channel && isWanted(channel) ? 'noCursor' : undefined
      if (offset <= cursor.offset) return 'belowCursor'
      if (offset > cursor.offset + 1) {
        ask([name])
        return 'aboveCursor'
      }
      cursor.offset = offset
      return undefined
    },
    checkHeads(heads) {
      const isBehind = (name: string): boolean => {
        const cursor = channels.get(name)?.cursor
        const head = heads[name]
        return cursor !== undefined && isWhole(head) && head > cursor.offset
      }
      ask(Object.keys(heads).filter(isBehind))
    },
    onPlainLink() {
      for (const channel of channels) {
        if (isWanted(channel) && !channel.cursor) channel.isUnpositioned = true
      }
    },
    askAgain() {
      const unanswered: string[] = []
      for (const channel of channels) {
        if (channel.resumeId === undefined) continue
        channel.resumeId = undefined
        unanswered.push(channel.name)
      }
      ask(unanswered)
    },
    cancelPending() {
      for (const channel of channels) channel.resumeId = undefined
      links++
    },
    reset() {
      for (const channel of channels) {
        channel.cursor = undefined
        channel.isUnpositioned = false
      }
      users++
    },
  }
}
