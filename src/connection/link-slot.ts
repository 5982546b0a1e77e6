/** The one place for a link: at most one is being dialed or open, and those that live with it hear of it. */
import type { Log } from '../shared/log.ts'
import type { CloseDetails, Link, LinkEvents, Transport } from '../transport/transport.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { FailDetails, LiveLink } from './link-user.ts'
import type { RunLoop } from './run-loop.ts'

export interface LinkSlotDeps {
  readonly core: ConnectionCore
  readonly transport: Transport
  readonly heartbeat: Heartbeat
  readonly log: Log
  readonly loop: RunLoop
  now(): number
  /** A link, or a dial that had got as far as a socket, has ended. */
  onClose(close: CloseDetails): void
}

/** What becomes of a dial and its link. */
export interface SlotEvents {
  /** The link is open. The link users hear of it after this, unless it has ended. */
  onOpened(): void
  /** The link is over by itself. */
  onClosed(close: CloseDetails): void
  /** The browser does not let this address be dialed. */
  onBlocked(): void
  /** A part says that the link is of no use. */
  onFailed(reason: string, details: FailDetails): void
}

export interface LinkSlot {
  /** A link is being dialed, or open. */
  readonly isTaken: boolean
  readonly isOpen: boolean
  /** The link that is open. */
  readonly live: LiveLink | undefined
  /** Dials. Throws what the transport throws. */
  dial(url: string, protocols: string[], events: SlotEvents): void
  /** Gives up what there is: it is detached, and closed in the background. `always`: it counts as ended even if it never opened. */
  end(close: CloseDetails, always: boolean): void
  /** Messages may flow on this link, if it is still the one. */
  announceReady(live: LiveLink | undefined): void
}

export const createLinkSlot = (deps: LinkSlotDeps): LinkSlot => {
  const { core, transport, heartbeat } = deps
  let link: Link | undefined
  let live: LiveLink | undefined
  let terms: unknown

  const liveLink = (opened: Link, onFailed: SlotEvents['onFailed']): LiveLink => {
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
        core.dispatch('proved')
      },
      fail(reason, details = {}) {
        if (!isOver()) onFailed(reason, details)
      },
    }
  }

  const linkEvents = ({ onOpened, onClosed, onBlocked, onFailed }: SlotEvents): LinkEvents => ({
    opened() {
      const opened = liveLink(link as Link, onFailed)
      live = opened
      onOpened()
      for (const user of core.parts.users) if (live === opened) user.linkOpened?.(opened)
    },
    received(payload) {
      const at = deps.now()
      heartbeat.onFrame(at)
      core.parts.onFrame(payload, at)
    },
    closed: onClosed,
    blocked: onBlocked,
  })

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
    dial(url, protocols, events) {
      link = transport.open(url, protocols, linkEvents(events))
    },
    end(close, always) {
      const wasOpen = live !== undefined
      link?.close(close.code < 3000 ? 1000 : close.code, close.reason)
      link = live = terms = undefined
      if (wasOpen) for (const user of core.parts.users) user.linkClosed?.()
      if (!wasOpen && !always) return
      deps.log('info', `Connection closed: ${close.code} ${close.reason}`)
      deps.loop.notify(() => deps.onClose(close))
    },
    announceReady(announced) {
      for (const user of core.parts.users) {
        if (announced && live === announced) user.linkReady?.(announced, terms)
      }
    },
  }
}
