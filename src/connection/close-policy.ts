/** What the end of a link means. */
import * as CLOSE from '../protocol/close-codes.ts'
import type { CloseDetails } from '../transport/transport.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { PageSignals } from './page-signals.ts'
import type { AskRule } from './rules.ts'
import type { TokenProvider } from './token-provider.ts'

/** A server refuses this client for good with these, and with 4400-4499 (design 5). */
const FINAL_CODES: readonly number[] = [
  CLOSE.PROTOCOL_ERROR,
  CLOSE.UNSUPPORTED_DATA,
  CLOSE.INVALID_DATA,
  CLOSE.POLICY_VIOLATION,
  CLOSE.MISSING_EXTENSION,
]

/**
 * `false`: final. Otherwise a retry, after exactly so many ms where it is a number. `rule`: what the application's
 * `reconnect.when`, else the protocol, says of this close; `curable`: another token may help. Pure.
 */
export const judgeClose = (
  code: number,
  rule: boolean | number | undefined,
  curable: boolean,
): number | false | undefined => {
  if (typeof rule === 'number') return rule >= 0 ? rule : undefined
  const final = FINAL_CODES.includes(code) || (code >= 4400 && code < 4500)
  return (rule ?? (curable || !final)) ? undefined : false
}

export interface CloseJudgeDeps {
  readonly when: ((close: CloseDetails) => boolean | number | undefined) | undefined
  readonly core: ConnectionCore
  readonly askRule: AskRule
  readonly token: TokenProvider
  readonly signals: PageSignals
}

export interface CloseJudge {
  /** As `judgeClose`, for a link that was open or not. */
  judge(close: CloseDetails, wasOpen: boolean): number | false | undefined
  /** A link was stable. */
  stabilised(): void
}

export const createCloseJudge = (deps: CloseJudgeDeps): CloseJudge => {
  const { token } = deps
  /** A link that a page has closed was dialed at once, and none was stable since. */
  let hurried = false

  /** A newer token may cure it; a client that has one, and was not heard in time, was held up by the network. */
  const mayCure = (code: number): boolean =>
    code === CLOSE.NOT_HEARD
      ? token.isConfigured
      : (code === CLOSE.POLICY_VIOLATION || code === CLOSE.UNAUTHORIZED) && token.refused()

  return {
    judge(close, wasOpen) {
      const { code, reason } = close
      const curable = mayCure(code)
      const expected = 'true, false, a number or undefined'
      const own = deps.askRule('reconnect.when', expected, () => deps.when?.(close))
      const verdict = judgeClose(code, own ?? deps.core.parts.rules.closeVerdict?.(close), curable)
      if (verdict !== undefined) return verdict
      // Firefox closes the sockets of a page when a link is clicked, also one to a download, which leaves the page as
      // it is (seen in 153: 1001, clean, no `pagehide`). A reason would be the server's.
      const hurries =
        wasOpen && !hurried && code === CLOSE.GOING_AWAY && !reason && deps.signals.isSeen()
      hurried ||= hurries
      return hurries ? 0 : undefined
    },
    stabilised() {
      hurried = false
    },
  }
}
