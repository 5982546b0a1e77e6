/** Frames as they are: for any server. */
import { isArrayBuffer } from '../transport/transport.ts'
import type { Protocol, ProtocolLink } from './protocol.ts'

/** What `raw()` carries. */
export type RawData = string | ArrayBuffer

const sendable = (value: unknown): boolean =>
  typeof value === 'string' ||
  isArrayBuffer(value) ||
  ArrayBuffer.isView(value) ||
  (typeof Blob !== 'undefined' && value instanceof Blob)

/**
 * Every frame is a message, and every message a frame: strings and binary go out untouched, binary as it is
 * at `send()`; anything else, a detached buffer too, is a `TypeError` there. There is no ping unless
 * `heartbeat.message` is given, and `subscribe()` only listens.
 */
export const raw = (): Protocol<RawData, RawData | ArrayBufferView | Blob> => ({
  name: 'raw',
  polls: true,
  attach() {
    let link: ProtocolLink<RawData> | undefined
    return {
      opened(opened) {
        link = opened
        link.ready()
      },
      receive: frame => link?.message(frame as RawData),
      encode(message) {
        if (sendable(message)) return message
        throw new TypeError(
          `send: expected a string or binary data with raw(), got ${typeof message}; use envelope() for objects`,
        )
      },
    }
  },
})
