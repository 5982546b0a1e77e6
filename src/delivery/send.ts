/** What `send()` does with one message before it waits in the outbox. */
import type { SendOptions } from '../client/client-types.ts'
import type { Conversation } from '../protocol/protocol.ts'
import { LONGEST_ID } from '../protocol/wire.ts'
import { type Frame, isArrayBuffer } from '../transport/transport.ts'
import type { Aborts } from './aborts.ts'
import { createDelivery, type Delivery, type RejectReason } from './delivery.ts'
import type { Outbox, Outgoing } from './outbox.ts'
import { utf8Bytes } from './utf8-bytes.ts'

export interface SendHooks<Message> {
  readonly ttlMs: number
  readonly conversation: Conversation<Message>
  readonly outbox: Outbox<Message>
  readonly aborts: Aborts
  monotonicNow(): number
  /** A name for a message that has none. */
  newId(): string
  /** Bytes that the server takes at once, without what a place adds; undefined: nobody has said. */
  largest(): number | undefined
  /** The client is closed for good. */
  isFinished(): boolean
  /** How many users there were. */
  user(): number
  /** As subscriptions have it. */
  byHand(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): (hasLeft: boolean) => void
  changed(): void
}

export const sizeOf = (frame: Frame): number =>
  typeof frame === 'string'
    ? utf8Bytes(frame)
    : ((frame as Blob).size ?? (frame as ArrayBuffer).byteLength)

/** The frame as it is now, as with a native `send()`: the application may fill its buffer anew at once. */
const copyOf = (frame: Frame): Frame => {
  try {
    if (isArrayBuffer(frame)) return new Uint8Array(frame).slice().buffer
    if (!ArrayBuffer.isView(frame)) return frame
    // Out of shared memory, too, from which browsers do not send.
    return new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength).slice()
  } catch (thrown) {
    throw new TypeError(
      'send: expected binary data that can be read, got a detached buffer; send before you transfer it',
      { cause: thrown },
    )
  }
}

/** A message that is about to be queued. */
export interface Sending {
  readonly delivery: Delivery
  /** False if it was sent. */
  takeBack(): boolean
}

export const createSend =
  <Message>(hooks: SendHooks<Message>) =>
  /** `beforeQueued` is called unless the message is rejected on the spot; from then on listeners may do anything. */
  (
    message: Message,
    options: SendOptions = {},
    beforeQueued?: (sending: Sending) => void,
  ): Delivery => {
    const { conversation, outbox, aborts } = hooks
    const { ttlMs = hooks.ttlMs, priority = 'normal', signal } = options
    if (!(ttlMs >= 0)) throw new RangeError(`send.ttlMs: expected a number >= 0, got ${ttlMs}`)
    if (priority !== 'high' && priority !== 'normal') {
      throw new RangeError(`send.priority: expected 'high' or 'normal', got ${priority}`)
    }
    const user = hooks.user()
    // Read once: getters and `toJSON` may say something else the next time.
    const read = (conversation.read?.(message) ?? message) as Message
    const id = conversation.idOf(read) ?? hooks.newId()
    if (!id || id.length > LONGEST_ID) {
      throw new TypeError(`send: expected an id of 1 to ${LONGEST_ID} characters, got ${id.length}`)
    }
    const frame = copyOf(conversation.encode(read, id))
    const bytes = sizeOf(frame)
    const largest = hooks.largest()
    if (largest !== undefined && bytes > largest) {
      throw new TypeError(`send: expected at most ${largest} bytes, got ${bytes}`)
    }
    const delivery = createDelivery(id)
    const takeBack = (): boolean => outbox.withdraw(entry)
    let stopListening: (() => void) | undefined
    let told: ((hasLeft: boolean) => void) | undefined
    const entry: Outgoing<Message> = {
      delivery,
      message,
      frame,
      bytes,
      reserved: conversation.reserved?.(read) ?? false,
      unplaced: conversation.unplaced?.(read) ?? false,
      expiresAt: hooks.monotonicNow() + ttlMs,
      release() {
        stopListening?.()
        told?.(delivery.state !== 'rejected')
      },
    }
    const rejected = (): boolean => {
      let reason: RejectReason | undefined
      if (hooks.isFinished()) reason = 'closed'
      else if (user !== hooks.user()) reason = 'identity'
      else if (signal?.aborted) reason = 'expired'
      if (!reason) return false
      delivery.state = 'rejected'
      delivery.reason = reason
      entry.release()
      return true
    }
    if (rejected()) return delivery
    if (signal) stopListening = aborts.on(signal, takeBack)
    const byHand = conversation.subscriptionOf?.(read, frame)
    if (byHand) told = hooks.byHand(byHand.type, byHand.channels)
    beforeQueued?.({ delivery, takeBack })
    // A listener may just have ended what it was to be sent for.
    if (rejected()) return delivery
    outbox.add(entry, priority === 'high')
    hooks.changed()
    return delivery
  }
