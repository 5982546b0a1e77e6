/** Dials, and says what became of it: an open link, or why none is possible. */
import { type ErrorHint, messageOf } from '../errors.ts'
import * as CLOSE from '../protocol/close-codes.ts'
import type { DialTarget } from '../protocol/protocol.ts'
import { shownUrl } from '../shared/address.ts'
import { type Environment, locationOf } from '../shared/runtime.ts'
import type { CloseDetails, Transport } from '../transport/transport.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { Dialer } from './dial.ts'
import type { FallbackEvents } from './fallback.ts'
import { DIAL_FAILED, type LinkEnds } from './link-ends.ts'
import type { LinkSlot, SlotEvents } from './link-slot.ts'
import { createPollEvents, type PollEventsDeps } from './poll-events.ts'

export interface DialingDeps extends PollEventsDeps {
  readonly environment: Environment
  readonly transport: Transport
  readonly core: ConnectionCore
  readonly slot: LinkSlot
  readonly dialer: Dialer
  readonly ends: LinkEnds
}

export interface Dialing {
  /** When the dial under way began, by the monotonic clock. */
  readonly startedAt: number
  /** When the poll was sent whose answer ended an outage, by the monotonic clock. */
  readonly recoveredPollAt: number
  readonly pollEvents: FallbackEvents
  dial(): void
  /** Gives the dial under way so long, in ms, unless it has less left. */
  limit(withinMs: number): void
  /** Ends the dial under way, or the link. */
  end(close: CloseDetails): void
  /** The page's policy has blocked this URL; perhaps it is the one being dialed. */
  blockedByPolicy(url: string): void
}

const BLOCKED_HINT = 'check the URL, wss: on https: pages, and connect-src of the CSP'

export const createDialing = (deps: DialingDeps): Dialing => {
  const { environment, log, core, faults, slot, dialer, ends, transport } = deps

  const blocked = (): void =>
    ends.refuse(
      `The browser blocks ${shownUrl(core.dialedUrl)} (${BLOCKED_HINT})`,
      'blocked',
      CLOSE.ABNORMAL,
    )

  /** The application's answers cannot be dialed, or its functions fail. */
  const failed = (error: unknown, hint?: ErrorHint): void => {
    log('warn', `${DIAL_FAILED}: ${messageOf(error)}`)
    faults.raise('FAILED', error, hint && { hint })
    core.dispatch('lost', DIAL_FAILED)
  }

  /** The constructor has thrown `error`. Its message may hold the whole URL, or a subprotocol that is a token. */
  const refusedByRuntime = (error: unknown): void => {
    const { name } = Object(error) as { readonly name?: string }
    log('warn', `${DIAL_FAILED}: ${name} (${BLOCKED_HINT})`)
    const hint = name === 'SyntaxError' ? 'address' : 'blocked'
    faults.raise('REFUSED', `${messageOf(error)} (${BLOCKED_HINT})`, { hint })
    core.dispatch('refused', DIAL_FAILED)
  }

  const polls = createPollEvents(deps)

  const linkEvents: SlotEvents = {
    onOpened() {
      dialer.opened()
      log('info', 'Connected')
      core.dispatch('opened')
    },
    onClosed: ends.closed,
    onBlocked: blocked,
    onFailed: (reason, details) => ends.giveUp(reason, 'LOST', details),
  }

  const open = ({ url, protocols }: DialTarget): void => {
    core.dialedUrl = url
    const again = core.state.status === 'CONNECTING' ? 'C' : 'Rec'
    log('info', `${again}onnecting to ${shownUrl(url)}...`)
    try {
      slot.dial(url, [...protocols], linkEvents)
    } catch (error) {
      dialer.later(transport.isSupported() ? () => refusedByRuntime(error) : polls.unsupported)
    }
  }

  return {
    get startedAt() {
      return dialer.startedAt
    },
    get recoveredPollAt() {
      return polls.recoveredAt
    },
    pollEvents: polls.events,
    dial() {
      dialer.start(core.parts.rules, {
        onAddress: open,
        onFailed: failed,
        onTimeout: () => ends.giveUp('Connect timeout', 'FAILED', { closeCode: CLOSE.TIMED_OUT }),
      })
    },
    limit: dialer.limit,
    end: ends.end,
    blockedByPolicy(url) {
      if (!slot.isTaken || slot.isOpen || !url) return
      const dialed = new URL(core.dialedUrl, locationOf(environment)?.href)
      if (`${dialed}`.replace(/^http/, 'ws').startsWith(url)) blocked()
    },
  }
}
