/** How a link ends: by itself, because it is of no use, or because the server is; and what the machine hears of that. */
import { type ErrorCode, type ErrorFacts, type ErrorHint, namedError } from '../errors.ts'
import * as CLOSE from '../protocol/close-codes.ts'
import type { CloseDetails } from '../transport/transport.ts'
import type { CloseJudge } from './close-policy.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { Dialer } from './dial.ts'
import type { Faults } from './faults.ts'
import type { LinkSlot } from './link-slot.ts'
import type { FailDetails } from './link-user.ts'

export interface LinkEndsDeps {
  readonly core: ConnectionCore
  readonly faults: Faults
  readonly slot: LinkSlot
  readonly judge: CloseJudge
  readonly dialer: Dialer
}

export interface LinkEnds {
  /** The link is over, or given up: what it still says is ignored. */
  end(close: CloseDetails): void
  /** The link, or the dial, is of no use; the next one follows. */
  giveUp(reason: string, code: ErrorCode, details?: FailDetails): void
  /** The link is over by itself. */
  closed(close: CloseDetails): void
  /** The server is of no use, today or tomorrow: ERROR. */
  refuse(message: string, hint?: ErrorHint, closeCode?: number): void
}

export const DIAL_FAILED = 'Connection failed'
/** What may help where the server refused the client with such a close code. */
const CLOSE_HINTS: Readonly<Record<number, ErrorHint>> = { 4401: 'login', 4403: 'origin' }
/** A browser does not show the 403 of a refused origin, so that only the log of the server can name it. */
const NEVER_OPENED_HINT =
  ' (none has opened yet: check that the server runs, and that it allows this origin, or clients that send none; its log says so)'

export const createLinkEnds = (deps: LinkEndsDeps): LinkEnds => {
  const { core, faults, slot, dialer } = deps
  let hasOpened = false

  const end = (close: CloseDetails, always = false): void => {
    hasOpened ||= slot.isOpen
    dialer.stop()
    slot.end(close, always)
  }

  /** Ends the link for a reason of the client's own. */
  const abandon = (code: number, reason: string): void =>
    end({ code, reason, wasClean: false }, slot.isTaken)

  return {
    end: close => end(close),
    giveUp(reason, code, details = {}) {
      const { closeCode = CLOSE.USELESS, afterMs } = details
      const { timedOut = closeCode === CLOSE.TIMED_OUT } = details
      const names = dialer.unanswered
      abandon(closeCode, reason)
      const message = names.length
        ? `${reason} (${names.join(' and ')} ${names[1] ? 'have' : 'has'} not answered)`
        : reason
      const error = timedOut ? namedError('TimeoutError', message) : message
      faults.raise(code, error, { closeCode })
      core.dispatch('lost', reason, afterMs)
    },
    closed(close) {
      const { code, reason } = close
      const wasOpen = slot.isOpen
      if (code === CLOSE.TOO_LARGE) core.parts.onTooLarge()
      end(close, true)
      const message = `Connection ${wasOpen ? 'lost' : 'failed'}`
      const detail = `${message}: ${code} ${reason}`
      const verdict = deps.judge.judge(close, wasOpen)
      if (verdict === false) {
        const hint = CLOSE_HINTS[code]
        const facts: ErrorFacts = { closeCode: code, ...(hint && { hint }) }
        faults.raise('REFUSED', `${detail} (final: the server refuses this client)`, facts)
        core.dispatch('refused', message)
      } else {
        const text = hasOpened ? detail : `${detail}${NEVER_OPENED_HINT}`
        faults.raise(wasOpen ? 'LOST' : 'FAILED', text, { closeCode: code })
        core.dispatch('lost', message, verdict)
      }
    },
    refuse(message, hint, closeCode = CLOSE.USELESS) {
      abandon(closeCode, '')
      faults.raise('REFUSED', message, { closeCode, ...(hint && { hint }) })
      core.dispatch('refused', DIAL_FAILED)
    },
  }
}
