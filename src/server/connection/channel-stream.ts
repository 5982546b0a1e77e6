/** One channel of one connection: its messages in order, each once. */
import type { Published } from '../broker/broker.ts'
import type { GapReason } from '../broker/recovery.ts'
import type { Counters } from '../metrics.ts'
import type { Peer } from './peer.ts'

/** Messages that wait while the history is read; more are dropped, and the client asks for them by the offsets. */
const MAX_BUFFERED = 10_000

/** The channels of a connection that were left behind by a slow reader. */
export interface ConflatingStreams {
  readonly peer: Peer
  readonly counters: Counters
  isConflating(stream: ChannelStream): boolean
  /** Calls `catchUp` when the client has read enough. */
  conflate(stream: ChannelStream): void
}

export class ChannelStream {
  readonly name: string
  /** Messages may be left out for a slow reader. */
  readonly conflates: boolean
  /** Messages published while the history is read and replayed. */
  buffered: Published[] | undefined
  readonly #streams: ConflatingStreams
  #epoch: string | undefined
  #offset = 0
  #newestSkipped: Published | undefined

  constructor(streams: ConflatingStreams, name: string, conflates: boolean) {
    this.#streams = streams
    this.name = name
    this.conflates = conflates
  }

  /** Continues after this position: what comes up to it was delivered, or is not to be. */
  startAfter(epoch: string, offset: number): void {
    this.#epoch = epoch
    this.#offset = offset
  }

  /** A message was published; `bytes` are its JSON, shared by all who get it. */
  publish(published: Published, bytes: Buffer): void {
    if (!this.buffered) this.deliverInOrder(published, bytes)
    else if (this.buffered.length < MAX_BUFFERED) this.buffered.push(published)
  }

  /** Delivers a message unless it was delivered before. */
  deliverInOrder(published: Published, bytes?: Buffer): void {
    const { epoch, offset } = published
    const isReset = this.#epoch !== undefined && this.#epoch !== epoch
    if (!isReset && offset <= this.#offset) return
    const { peer, counters } = this.#streams
    if (this.conflates && (this.#streams.isConflating(this) || peer.buffer.aboveHighWater())) {
      counters.conflated++
      this.#newestSkipped = published
      this.#streams.conflate(this)
      return
    }
    if (isReset) this.#announceGap(published, 'epoch')
    this.#epoch = epoch
    this.#offset = offset
    peer.deliver(bytes ?? Buffer.from(published.text))
  }

  /** Delivers the newest message of those that were left out, after a gap. */
  catchUp(): void {
    const newest = this.#newestSkipped
    if (!newest) return
    this.#newestSkipped = undefined
    this.#streams.counters.gaps++
    this.#announceGap(newest, this.#epoch === newest.epoch ? 'limit' : 'epoch')
    this.startAfter(newest.epoch, newest.offset)
    this.#streams.peer.deliver(Buffer.from(newest.text))
  }

  /** True where this stream stands in this history, and nothing waits: its offset is what the client has. */
  isLiveIn(epoch: string): boolean {
    return !this.buffered && !this.#streams.isConflating(this) && this.#epoch === epoch
  }

  /** Announces that everything before this message is not delivered. */
  #announceGap({ epoch, offset }: Published, reason: GapReason): void {
    const position = { epoch, offset: offset - 1 }
    this.#streams.peer.send('subscribed', {
      channels: { [this.name]: { ...position, recovered: false, replayed: 0, reason } },
    })
  }
}
