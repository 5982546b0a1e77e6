/** What `send()` does with one message before it waits in the outbox. */
import { MAX_ID_LENGTH } from '../protocol/constants.ts'
import type { OwnConversation } from '../protocol/own-conversation.ts'
import { utf8Bytes } from '../shared/utf8-bytes.ts'
import { type Frame, isArrayBuffer } from '../transport/transport.ts'
import type { Aborts } from './aborts.ts'
import { createDelivery, type Delivery, type Rejection } from './delivery.ts'
import type { Outbox } from './outbox.ts'
import type { QueuedMessage } from './send-queue.ts'

/** Options of `send()`. */
export interface SendOptions {
  /** Rejected as `expired` if it could not be sent within so many ms. @default queue.ttlMs */
  ttlMs?: number
  /** `high` overtakes what was never sent. @default 'normal' */
  priority?: 'normal' | 'high'
  /** Its abort takes the message back (`expired`) if it has not been sent yet. @default none */
  signal?: AbortSignal
}

export interface SendDeps<Message> {
  /** How long a message may wait, in ms, unless `send()` says otherwise. */
  readonly ttlMs: number
  readonly conversation: OwnConversation<never, Message>
  readonly outbox: Outbox<Message>
  readonly aborts: Aborts
  monotonicNow(): number
  /** An id for a message that has none. */
  newId(): string
  /** The client is closed for good. */
  isFinished(): boolean
  /** What a message was encoded for must still be the user when it is queued. */
  readonly user: { readonly generation: number }
  /** Hears of what the application subscribes to by a message of its own. */
  readonly channels:
    | {
        manual(
          type: 'subscribe' | 'unsubscribe',
          channels: readonly string[],
        ): (hasLeft: boolean) => void
      }
    | undefined
  /** Why the server takes no messages of this channel; `undefined`: it may. */
  channelRefusal(channel: string): Rejection | undefined
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
  } catch (error) {
    throw new TypeError(
      'send: expected binary data that can be read, got a detached buffer; send before you transfer it',
      { cause: error },
    )
  }
}

const NO_OPTIONS: SendOptions = {}

/** A message that is about to be queued. */
export interface Sending {
  readonly delivery: Delivery
  /** Takes the message back. False if it was sent. */
  takeBack(): boolean
}

export type Send<Message> = (
  message: Message,
  options?: SendOptions,
  beforeQueued?: (sending: Sending) => void,
) => Delivery

export const createSend = <Message>(deps: SendDeps<Message>): Send<Message> => {
  const { conversation, outbox, aborts } = deps

  /** Rejects a message before it is queued where a listener has ended the client, the user or the message itself. */
  const isRejected = (
    entry: QueuedMessage<Message>,
    user: number,
    signal: AbortSignal | undefined,
  ): boolean => {
    let rejection: Rejection | undefined
    if (deps.isFinished()) rejection = { reason: 'closed' }
    else if (user !== deps.user.generation) rejection = { reason: 'identity' }
    else if (signal?.aborted) rejection = { reason: 'expired' }
    else if (entry.channel !== undefined) rejection = deps.channelRefusal(entry.channel)
    if (!rejection) return false
    entry.delivery.settle('rejected', rejection)
    entry.release?.()
    return true
  }

  /** `beforeQueued` is called unless the message is rejected on the spot; from then on listeners may do anything. */
  return (message, options, beforeQueued) => {
    const { ttlMs = deps.ttlMs, priority = 'normal', signal } = options ?? NO_OPTIONS
    if (!(ttlMs >= 0)) throw new RangeError(`send.ttlMs: expected a number >= 0, got ${ttlMs}`)
    if (priority !== 'high' && priority !== 'normal') {
      throw new RangeError(`send.priority: expected 'high' or 'normal', got ${priority}`)
    }
    const user = deps.user.generation
    // Read once: getters and `toJSON` may say something else the next time.
    const read = (conversation.read?.(message) ?? message) as Message
    const id = conversation.idOf?.(read) ?? deps.newId()
    if (!id || id.length > MAX_ID_LENGTH) {
      throw new TypeError(
        `send: expected an id of 1 to ${MAX_ID_LENGTH} characters, got ${id.length}`,
      )
    }
    const frame = copyOf(conversation.encode(read, id))
    const bytes = sizeOf(frame)
    const maxBytes = outbox.maxMessageBytes()
    if (bytes > maxBytes)
      throw new TypeError(`send: expected at most ${maxBytes} bytes, got ${bytes}`)
    const delivery = createDelivery(id)
    const entry: QueuedMessage<Message> = {
      delivery,
      message,
      frame,
      bytes,
      urgent: priority === 'high',
      reserved: conversation.reserved?.(read) ?? false,
      unsequenced: conversation.unplaced?.(read) ?? false,
      channel: conversation.channelOf?.(read),
      expiresAt: ttlMs === Number.POSITIVE_INFINITY ? ttlMs : deps.monotonicNow() + ttlMs,
      order: 0,
      release: undefined,
      before: undefined,
      after: undefined,
    }
    if (isRejected(entry, user, signal)) return delivery
    const byHand = conversation.subscriptionOf?.(read, frame)
    const { unsequenced } = entry
    if (signal || byHand || unsequenced) {
      const stopListening = signal && aborts.on(signal, () => outbox.cancel(entry))
      const settled = byHand && deps.channels?.manual(byHand.type, byHand.channels)
      entry.release = () => {
        stopListening?.()
        settled?.(delivery.state !== 'rejected')
        if (unsequenced && delivery.state === 'sent') conversation.sent?.(delivery.id)
      }
    }
    if (beforeQueued) {
      beforeQueued({ delivery, takeBack: () => outbox.cancel(entry) })
      // A listener may just have ended what the message was to be sent for.
      if (isRejected(entry, user, signal)) return delivery
    }
    outbox.add(entry)
    return delivery
  }
}
