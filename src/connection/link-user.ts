/** Parts that live with a link: they get it while there is one, and drop it when it closes. */
import type { Frame } from '../transport/transport.ts'

/** A link that is open. It is valid until `linkClosed()`; a part that kept it longer finds that `send()` throws. */
export interface LiveLink {
  /**
   * Hands a frame to the socket. Throws if the frame certainly did not leave: a `FrameRefused` if the socket refuses
   * this frame alone, anything else if the link takes none.
   */
  send(frame: Frame): void
  /** Bytes handed over that have not left this machine. */
  bufferedBytes(): number
  /**
   * False while a deadline of the heartbeat has passed unnoticed (the machine slept): nothing may be written until the
   * server has spoken. The heartbeat asks it, and `linkTrusted()` follows.
   */
  isTrustworthy(): boolean
  /** The protocol's word that messages may flow from now on, on these terms. */
  ready(terms?: unknown): void
  /** The link is of no use: closes it, and the next one is dialed after the usual delay. */
  fail(reason: string, details?: FailDetails): void
}

export interface FailDetails {
  /** The close code to close it with. @default 4002 */
  readonly closeCode?: number
  /** The server did not answer in time. */
  readonly timedOut?: boolean
  /** Dials again after exactly so many ms. @default the usual delay */
  readonly afterMs?: number
}

/**
 * Called in the order heartbeat, conversation, channels, outbox, on the way up and on the way down. A listener that one
 * of them calls may end the link; the others are not called on the way up then.
 */
export interface LinkUser<Terms = unknown> {
  /** Frames can travel: the protocol may say hello. */
  linkOpened?(link: LiveLink): void
  /** Messages may flow, on the terms that the protocol has agreed on. */
  linkReady?(link: LiveLink, terms: Terms): void
  /** A link that was suspected to be dead has spoken. */
  linkTrusted?(): void
  /** The link is over. Everything asked of the server on it and not answered is void. */
  linkClosed?(): void
}
