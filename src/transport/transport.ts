/** What every way to carry frames looks like to the driver. */

/** One frame as it travels. */
export type Frame = string | ArrayBuffer | ArrayBufferView | Blob

/** Also for one of another realm: an iframe's, or the one that tests in Jest have. */
export const isArrayBuffer = (value: unknown): value is ArrayBuffer =>
  Object.prototype.toString.call(value) === '[object ArrayBuffer]'

/** A live link will not have this frame, whatever it was sent; the next one may travel. `cause`: what it threw. */
export class FrameRefused extends Error {
  constructor(cause: unknown) {
    super('The link refuses this frame', { cause })
  }
}

/** How a link ended. `code` is a close code for a WebSocket and an HTTP status for polling. */
export interface CloseInfo {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

/** What a transport reports. After `close()` on it, nothing more is reported. */
export interface TransportHandlers {
  /** Frames can travel. Once. */
  opened(): void
  /** A WebSocket frame, or one message of a poll. */
  received(payload: unknown): void
  /** The transport is over by itself. Once, and the last word. */
  closed(info: CloseInfo): void
}

/** What a WebSocket reports besides. */
export interface WebSocketHandlers extends TransportHandlers {
  /**
   * It failed before it opened. True: `closed` may still come and is waited for. Otherwise this is the end, and
   * `closed` is called with 1006.
   */
  mayBeBlocked(): boolean
}

/** A live way to carry frames. */
export interface Transport {
  /** Bytes handed over that have not left the machine yet. */
  bufferedBytes(): number
  /**
   * Hands a frame over. Throws if it is certain that the frame does not leave: a `FrameRefused` if that is about this
   * frame alone.
   */
  send(frame: Frame): void
  /**
   * Gives the transport up: its listeners are removed at once, it is closed in the
   * background, and nothing it still says is heard. Idempotent.
   */
  close(code: number, reason: string): void
}
