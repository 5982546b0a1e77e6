/** What `send()` does with one message before it waits in the outbox. */
import type { SendOptions } from '../api.ts'
import type { Conversation } from '../protocol/protocol.ts'
import { LONGEST_ID } from '../protocol/wire.ts'
import type { Frame } from '../transport/transport.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import type { Outbox, Outgoing } from './outbox.ts'
import { utf8Bytes } from './utf8-bytes.ts'

export interface SendHooks<Message> {
  readonly ttlMs: number
  readonly conversation: Conversation<Message>
  readonly outbox: Outbox<Message>
  monotonicNow(): number
  /** A name for a message that has none. */
  newId(): string
  /** Bytes that the server takes at once, without what a place adds; undefined: nobody has said. */
  largest(): number | undefined
  /** The client is closed for good. */
  isFinished(): boolean
  /** As subscriptions have it. */
  byHand(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): (hasLeft: boolean) => void
  changed(): void
}

export const sizeOf = (frame: Frame): number =>
  typeof frame === 'string'
    ? utf8Bytes(frame)
    : ((frame as Blob).size ?? (frame as ArrayBuffer).byteLength)

export const createSend =
  <Message>(hooks: SendHooks<Message>) =>
  (message: Message, options: SendOptions = {}): Delivery => {
    const { conversation, outbox } = hooks
    const { ttlMs = hooks.ttlMs, priority = 'normal', signal } = options
    if (!(ttlMs >= 0)) throw new RangeError(`send.ttlMs: expected a number >= 0, got ${ttlMs}`)
    if (priority !== 'high' && priority !== 'normal') {
      throw new RangeError(`send.priority: expected 'high' or 'normal', got ${priority}`)
    }
    const id = conversation.idOf(message) ?? hooks.newId()
    if (!id || id.length > LONGEST_ID) {
      throw new TypeError(`send: expected an id of 1 to ${LONGEST_ID} characters, got ${id.length}`)
    }
    const frame = conversation.encode(message, id)
    const bytes = sizeOf(frame)
    const largest = hooks.largest()
    if (largest !== undefined && bytes > largest) {
      throw new TypeError(`send: expected at most ${largest} bytes, got ${bytes}`)
    }
    const delivery = createDelivery(id)
    const takeBack = (): void => outbox.withdraw(entry)
    let told: ((hasLeft: boolean) => void) | undefined
    const entry: Outgoing<Message> = {
      delivery,
      message,
      frame,
      bytes,
      reserved: conversation.reserved?.(message) ?? false,
      expiresAt: hooks.monotonicNow() + ttlMs,
      release() {
        signal?.removeEventListener('abort', takeBack)
        told?.(delivery.state !== 'rejected')
      },
    }
    const finished = hooks.isFinished()
    if (finished || signal?.aborted) {
      delivery.state = 'rejected'
      delivery.reason = finished ? 'closed' : 'expired'
      return delivery
    }
    signal?.addEventListener('abort', takeBack)
    const byHand = conversation.subscriptionOf?.(message)
    if (byHand) told = hooks.byHand(byHand.type, byHand.channels)
    outbox.add(entry, priority === 'high')
    hooks.changed()
    return delivery
  }
