/** The one place for a link: at most one is being dialed or open, and those that live with it are told. */
import type { CloseInfo, Link, LinkEvents, Transport } from '../transport/transport.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { FailDetails, LinkUser, LiveLink } from './link-user.ts'

export interface LinkSlotDeps {
  readonly transport: Transport
  readonly heartbeat: Heartbeat
  /** Those who live with the link, in the order in which they are called. */
  users(): readonly LinkUser[]
  now(): number
  /** The link is open. The users are told after this, unless it has ended. */
  onOpened(): void
  onFrame(payload: unknown, at: number): void
  /** The protocol says that messages may flow on it. */
  onReady(): void
  /** The link is over by itself. */
  onClosed(close: CloseInfo): void
  onBlocked(): void
  /** A part says that the link is of no use. */
  onFailed(reason: string, details: FailDetails): void
  /** A link, or a dial that had got as far as a socket, has ended. */
  onEnded(close: CloseInfo): void
}

export interface LinkSlot {
  /** A link is being dialed, or open. */
  readonly isTaken: boolean
  readonly isOpen: boolean
  /** The link that is open. */
  readonly live: LiveLink | undefined
  /** Dials. Throws what the transport throws. */
  dial(url: string, protocols: string[]): void
  /** Gives up what there is: it is detached, and closed in the background. `always`: it counts as ended even if it never opened. */
  end(close: CloseInfo, always: boolean): void
  /** Messages may flow on this link, if it is still the one. */
  announceReady(live: LiveLink | undefined): void
}

export const createLinkSlot = (deps: LinkSlotDeps): LinkSlot => {
  const { transport, heartbeat, users } = deps
  let link: Link | undefined
  let live: LiveLink | undefined
  let terms: unknown

  const liveLink = (opened: Link): LiveLink => {
    const isOver = (): boolean => link !== opened
    return {
      send(frame) {
        if (isOver()) throw new Error('The link is closed')
        opened.send(frame)
      },
      bufferedBytes: opened.bufferedBytes,
      isTrustworthy: heartbeat.isTrustworthy,
      ready(agreed) {
        if (isOver()) return
        terms = agreed
        deps.onReady()
      },
      fail(reason, details = {}) {
        if (!isOver()) deps.onFailed(reason, details)
      },
    }
  }

  const events: LinkEvents = {
    opened() {
      const opened = liveLink(link as Link)
      live = opened
      deps.onOpened()
      for (const user of users()) if (live === opened) user.linkOpened?.(opened)
    },
    received(payload) {
      const at = deps.now()
      heartbeat.onFrame(at)
      deps.onFrame(payload, at)
    },
    closed: deps.onClosed,
    blocked: deps.onBlocked,
  }

  return {
    get isTaken() {
      return link !== undefined
    },
    get isOpen() {
      return live !== undefined
    },
    get live() {
      return live
    },
    dial(url, protocols) {
      link = transport.open(url, protocols, events)
    },
    end(close, always) {
      const wasOpen = live !== undefined
      link?.close(close.code < 3000 ? 1000 : close.code, close.reason)
      link = live = terms = undefined
      if (wasOpen) for (const user of users()) user.linkClosed?.()
      if (wasOpen || always) deps.onEnded(close)
    },
    announceReady(announced) {
      for (const user of users()) {
        if (announced && live === announced) user.linkReady?.(announced, terms)
      }
    },
  }
}
