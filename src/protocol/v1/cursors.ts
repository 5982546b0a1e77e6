/** Where the client stands in each channel of a server of protocol v1; the WebSocket and polling move the same cursors. */
import { type Channel, type Channels, isWanted, type Position } from '../../channels/channel.ts'
import { type Fields, fields, isWhole } from '../fields.ts'
import type { V1Registry } from './deps.ts'
import { type ChannelRecovery, judge, readRecovery } from './recovery.ts'
import { createResubscribe } from './resubscribe.ts'

export interface CursorsDeps {
  readonly channels: Channels
  newId(): string
  /** Messages of these channels are missing: asks for them again, if there is a link to ask on. */
  resubscribe(id: string, names: readonly string[]): void
  /** Hears of confirmed channels, gaps and recoveries. */
  readonly registry: V1Registry
}

export interface Cursors {
  /** Where the client stands in these channels, as a `subscribe` or `hello` says it; `null`: from now on. */
  positions(names: readonly string[]): Fields
  /** The server's recoveries, by channel: moves the cursors (R9), and reports what was recovered or is lost. */
  applyRecoveries(recoveries: unknown, answer?: Answer): void
  /**
   * Why a message of a channel is not to be delivered (R10); `undefined`: it is the next one, and the cursor has moved to
   * it. If one before it is missing, the client asks for that.
   */
  obstacle(name: string, offset: number): Obstacle | undefined
  /** Compares the newest offsets that the server has sent with the cursors, so that a lost last message is noticed (R11). */
  checkHeads(heads: Fields): void
  /** Channels went on without positions: one without a cursor reports a gap once it has one. */
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

/** The circumstances of an answer. */
export interface Answer {
  /** The id of the `subscribe` that they answer. Absent: they answer every one, as those of a welcome and a poll do. */
  readonly id?: string | undefined
  /** The offset of the first message of each channel in a poll. */
  readonly firstOffsets?: ReadonlyMap<unknown, number>
  /** Nothing is reported as recovered: polls before this one brought it. */
  readonly silent?: boolean
}

/** Records of channels at most when a server adds one that the application did not subscribe to. */
const MAX_RECORDS = 10_000

const isBehind = (cursor: Position | undefined, head: unknown): boolean =>
  cursor !== undefined && isWhole(head) && head > cursor.offset

export const createCursors = (deps: CursorsDeps): Cursors => {
  const { channels, registry } = deps
  const resubscribe = createResubscribe({ channels, newId: deps.newId, send: deps.resubscribe })
  /** Users and links so far: a listener may end either, and what is left of an answer is then ignored. */
  let users = 0
  let links = 0

  const move = (name: string, epoch: string, offset: number): void => {
    if (channels.size < MAX_RECORDS || channels.get(name)) {
      channels.of(name).cursor = { epoch, offset }
    }
  }

  /** The channel has no cursor that counts: it goes on from here. */
  const begin = (name: string, epoch: string, offset: number): void => {
    move(name, epoch, offset)
    const channel = channels.get(name)
    if (!channel?.isUnpositioned) return
    channel.isUnpositioned = false
    registry?.gap({ channel: name, reason: 'reconnected' })
  }

  /** For a channel that the application listens to; `isOver`: a listener has ended the user or link of this answer. */
  const apply = (
    channel: Channel,
    recovery: ChannelRecovery,
    { id, silent }: Answer,
    isOver: () => boolean,
  ): void => {
    const { name, cursor } = channel
    const answersResume = resubscribe.answered(channel, id)
    registry?.confirmed(name)
    if (!cursor) return begin(name, recovery.epoch, recovery.offset)
    const { recovered, moveTo, gap, ask } = judge(cursor, recovery, answersResume)
    if (recovered !== undefined && !silent)
      registry?.recovered({ channel: name, replayed: recovered })
    if (isOver()) return
    if (moveTo !== undefined) move(name, recovery.epoch, moveTo)
    if (gap !== undefined) registry?.gap({ channel: name, reason: gap })
    if (ask) resubscribe.ask([name])
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
        const channel = channels.get(name)
        const first = firstOffsets?.get(name)
        const begins = first === undefined ? recovery.offset : first - 1
        if (channel && isWanted(channel)) {
          const start = channel.cursor ? recovery : { ...recovery, offset: begins }
          apply(channel, start, answer, isOver)
          continue
        }
        // A poll may bring a channel that the application did not subscribe to: its cursor never goes back.
        const cursor = channel?.cursor
        const isBack = cursor?.epoch === recovery.epoch && cursor.offset >= begins
        if (firstOffsets && !isBack) begin(name, recovery.epoch, begins)
      }
    },
    obstacle(name, offset) {
      const channel = channels.get(name)
      const cursor = channel?.cursor
      // The server says first where a channel goes on; a message before that belongs to a subscription that has ended.
      if (!cursor) return channel && isWanted(channel) ? 'noCursor' : undefined
      if (offset <= cursor.offset) return 'belowCursor'
      if (offset > cursor.offset + 1) {
        resubscribe.ask([name])
        return 'aboveCursor'
      }
      cursor.offset = offset
      return undefined
    },
    checkHeads(heads) {
      resubscribe.ask(
        Object.keys(heads).filter(name => isBehind(channels.get(name)?.cursor, heads[name])),
      )
    },
    onPlainLink() {
      for (const channel of channels) {
        if (isWanted(channel) && !channel.cursor) channel.isUnpositioned = true
      }
    },
    askAgain: resubscribe.askAgain,
    cancelPending() {
      resubscribe.cancel()
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
