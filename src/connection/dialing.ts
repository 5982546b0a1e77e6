/** Dials, and says what became of it: opened, failed, refused, blocked by the browser, or not possible in this runtime. */
import {
  type ErrorCode,
  type ErrorFacts,
  type ErrorHint,
  messageOf,
  namedError,
} from '../errors.ts'
import * as CLOSE from '../protocol/close-codes.ts'
import type { DialTarget } from '../protocol/protocol.ts'
import { shownUrl } from '../shared/address.ts'
import { locationOf } from '../shared/runtime.ts'
import type { CloseInfo } from '../transport/transport.ts'
import type { CloseJudge } from './close-policy.ts'
import type { ConnectionDeps, ConnectionParts } from './connection.ts'
import { createDialer } from './dial.ts'
import type { FallbackEvents } from './fallback.ts'
import type { Faults } from './faults.ts'
import type { LinkSlot } from './link-slot.ts'
import type { FailDetails } from './link-user.ts'
import type { MachineState } from './machine.ts'
import { createPollEvents } from './poll-events.ts'
import type { EventName } from './states.ts'

export interface DialingDeps extends ConnectionDeps {
  readonly faults: Faults
  readonly slot: LinkSlot
  readonly judge: CloseJudge
  state(): MachineState
  parts(): ConnectionParts
  dispatch(event: EventName, reason?: string, afterMs?: number): void
}

export interface Dialing {
  /** What was dialed last; empty if nothing was. */
  readonly url: string
  /** When the dial under way began, by the monotonic clock. */
  readonly startedAt: number
  /** When the poll was sent whose answer ended an outage, by the monotonic clock. */
  readonly recoveredPollAt: number
  readonly pollEvents: FallbackEvents
  dial(): void
  /** Gives the dial under way so long, in ms, unless it has less left. */
  limit(withinMs: number): void
  /** The link is over, or given up: what it still says is ignored. */
  end(close: CloseInfo): void
  /** The link, or the dial, is of no use; the next one follows. */
  giveUp(reason: string, code: ErrorCode, details?: FailDetails): void
  /** The link has opened: nothing is waited for any more. */
  opened(): void
  /** The link is over by itself. */
  closed(close: CloseInfo): void
  refuse(message: string, hint?: ErrorHint, closeCode?: number): void
  /** The browser does not let this address be dialed. */
  blocked(): void
  /** The page's policy has blocked this URL; perhaps it is the one being dialed. */
  blockedByPolicy(url: string): void
}

/** What may help where the server refused the client with such a close code. */
const CLOSE_HINTS: Readonly<Record<number, ErrorHint>> = { 4401: 'login', 4403: 'origin' }
const BLOCKED_HINT = 'check the URL, wss: on https: pages, and connect-src of the CSP'
/** A browser does not show the 403 of a refused origin, so that only the log of the server can name it. */
const NEVER_OPENED_HINT =
  ' (none has opened yet: check that the server runs, and that it allows this origin, or clients that send none; its log says so)'
const DIAL_FAILED = 'Connection failed'

export const createDialing = (deps: DialingDeps): Dialing => {
  const { environment, timers, log, faults, slot, dispatch, transport } = deps
  let lastUrl = ''
  let hasOpened = false
  const dialer = createDialer({ ...deps.settings, environment, timers, token: deps.token })

  const end = (close: CloseInfo, always = false): void => {
    hasOpened ||= slot.isOpen
    dialer.stop()
    slot.end(close, always)
  }

  /** Ends the link for a reason of the client's own. */
  const abandon = (code: number, reason: string): void =>
    end({ code, reason, wasClean: false }, slot.isTaken)

  const giveUp: Dialing['giveUp'] = (reason, code, details = {}) => {
    const { closeCode = CLOSE.USELESS, afterMs } = details
    const { timedOut = closeCode === CLOSE.TIMED_OUT } = details
    const names = dialer.unanswered
    abandon(closeCode, reason)
    const message = names.length
      ? `${reason} (${names.join(' and ')} ${names[1] ? 'have' : 'has'} not answered)`
      : reason
    const error = timedOut ? namedError('TimeoutError', message) : message
    faults.raise(code, error, { closeCode })
    dispatch('lost', reason, afterMs)
  }

  const refuse: Dialing['refuse'] = (message, hint, closeCode = CLOSE.USELESS) => {
    abandon(closeCode, '')
    faults.raise('REFUSED', message, { closeCode, ...(hint && { hint }) })
    dispatch('refused', DIAL_FAILED)
  }

  const blocked = (): void =>
    refuse(`The browser blocks ${shownUrl(lastUrl)} (${BLOCKED_HINT})`, 'blocked', CLOSE.ABNORMAL)

  /** The application's answers cannot be dialed, or its functions fail. */
  const failed = (error: unknown, hint?: ErrorHint): void => {
    log('warn', `${DIAL_FAILED}: ${messageOf(error)}`)
    faults.raise('FAILED', error, hint && { hint })
    dispatch('lost', DIAL_FAILED)
  }

  /** The constructor has thrown `error`. Its message may hold the whole URL, or a subprotocol that is a token. */
  const refusedByRuntime = (error: unknown): void => {
    const { name } = Object(error) as { readonly name?: string }
    log('warn', `${DIAL_FAILED}: ${name} (${BLOCKED_HINT})`)
    const hint = name === 'SyntaxError' ? 'address' : 'blocked'
    faults.raise('REFUSED', `${messageOf(error)} (${BLOCKED_HINT})`, { hint })
    dispatch('refused', DIAL_FAILED)
  }

  const polls = createPollEvents({ ...deps, dialedUrl: () => lastUrl })

  const open = ({ url, protocols }: DialTarget): void => {
    lastUrl = url
    const again = deps.state().status === 'CONNECTING' ? 'C' : 'Rec'
    log('info', `${again}onnecting to ${shownUrl(url)}...`)
    try {
      slot.dial(url, [...protocols])
    } catch (error) {
      dialer.later(transport.isSupported() ? () => refusedByRuntime(error) : polls.unsupported)
    }
  }

  const closed = (close: CloseInfo): void => {
    const { code, reason } = close
    const wasOpen = slot.isOpen
    if (code === CLOSE.TOO_LARGE) deps.parts().onTooLarge()
    end(close, true)
    const message = `Connection ${wasOpen ? 'lost' : 'failed'}`
    const detail = `${message}: ${code} ${reason}`
    const verdict = deps.judge.judge(close, wasOpen)
    if (verdict === false) {
      const hint = CLOSE_HINTS[code]
      const facts: ErrorFacts = { closeCode: code, ...(hint && { hint }) }
      faults.raise('REFUSED', `${detail} (final: the server refuses this client)`, facts)
      dispatch('refused', message)
    } else {
      const text = hasOpened ? detail : `${detail}${NEVER_OPENED_HINT}`
      faults.raise(wasOpen ? 'LOST' : 'FAILED', text, { closeCode: code })
      dispatch('lost', message, verdict)
    }
  }

  return {
    get url() {
      return lastUrl
    },
    get startedAt() {
      return dialer.startedAt
    },
    get recoveredPollAt() {
      return polls.recoveredAt
    },
    pollEvents: polls.events,
    dial() {
      dialer.start(deps.parts().rules, {
        onAddress: open,
        onFailed: failed,
        onTimeout: () => giveUp('Connect timeout', 'FAILED', { closeCode: CLOSE.TIMED_OUT }),
      })
    },
    limit: dialer.limit,
    end,
    giveUp,
    closed,
    opened: dialer.opened,
    refuse,
    blocked,
    blockedByPolicy(url) {
      if (!slot.isTaken || slot.isOpen || !url) return
      const whole = `${new URL(lastUrl, locationOf(environment)?.href)}`.replace(/^http/, 'ws')
      if (whole.startsWith(url)) blocked()
    },
  }
}
