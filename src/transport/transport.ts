/** What every way to carry frames looks like to the connection: a seam for WebSocket and what may come beside it. */

/** One frame as it travels. */
export type Frame = string | ArrayBuffer | ArrayBufferView | Blob

/** Also for one of another realm: an iframe's, or the one that tests in Jest have. */
export const isArrayBuffer = (value: unknown): value is ArrayBuffer =>
  Object.prototype.toString.call(value) === '[object ArrayBuffer]'

/** A live link refuses this frame, whatever it was sent; the next one may travel. `cause`: what the socket threw. */
export class FrameRefused extends Error {
  constructor(cause: unknown) {
    super('The link refuses this frame', { cause })
  }
}

/** How a link ended, for `reconnect.when` and the `close` event. */
export interface CloseDetails {
  /** The close code; 1006 where the link broke without one, 0 in some runtimes. */
  readonly code: number
  /** The reason that came with the code, for people; may be empty. */
  readonly reason: string
  /** Whether the closing handshake was complete; `false` where the link broke or was given up. */
  readonly wasClean: boolean
}

/** What a link reports. After `close()` on it, it reports nothing more. */
export interface LinkEvents {
  /** Frames can travel. Once. */
  opened(): void
  /** A frame came. */
  received(payload: unknown): void
  /** The link is over by itself. Once, and the last event. */
  closed(info: CloseDetails): void
  /** The runtime does not let this address be dialed, today or tomorrow. The last event. */
  blocked(): void
}

/** A link that is being dialed, or open. */
export interface Link {
  /** Bytes handed over that have not left the machine yet. */
  bufferedBytes(): number
  /**
   * Hands a frame over. Throws if it is certain that the frame does not leave: a `FrameRefused` if that is about this
   * frame alone.
   */
  send(frame: Frame): void
  /**
   * Gives the link up: its listeners are removed at once, it is closed in the background, and nothing it still says
   * is heard. Idempotent.
   */
  close(code: number, reason: string): void
}

/** A way to carry frames. A second one is a file of this shape, given to the connection in place of the first. */
export interface Transport {
  /** As `transport` of the snapshot shows it. */
  readonly name: 'websocket'
  /** False where the runtime does not have it. */
  isSupported(): boolean
  /** Dials. Throws what can never be dialed: mixed content, a block by the page's policy, a bad URL. */
  open(url: string, protocols: string[], events: LinkEvents): Link
}
