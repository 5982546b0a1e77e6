/** What polling means for the connection, also in a runtime that has no WebSocket. */
import { toError, withMessage } from '../errors.ts'
import { shownUrl } from '../shared/address.ts'
import type { Log } from '../shared/log.ts'
import type { Transport } from '../transport/transport.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { FallbackEvents } from './fallback.ts'
import type { Faults } from './faults.ts'
import type { RunLoop } from './run-loop.ts'

export interface PollEventsDeps {
  readonly core: ConnectionCore
  readonly log: Log
  readonly loop: RunLoop
  readonly faults: Faults
  readonly transport: Transport
}

export interface PollOutcomes {
  /** When the poll was sent whose answer ended an outage, by the monotonic clock; 0 before any. */
  readonly recoveredAt: number
  readonly events: FallbackEvents
  /** The dial under way found no WebSocket in this runtime. */
  unsupported(): void
}

const NO_WEBSOCKET =
  'There is no WebSocket in this runtime; pass environment: { WebSocket }, such as the one of the package ws'

export const createPollEvents = (deps: PollEventsDeps): PollOutcomes => {
  const { core, faults, log, transport } = deps
  let recoveredAt = 0
  let isMissingKnown = false
  let isLackKnown = false

  /** An error of polling must not hide why the client polls at all. */
  const whilePolling = (message: string): string =>
    transport.isSupported() ? message : `${message}; ${NO_WEBSOCKET}`

  return {
    get recoveredAt() {
      return recoveredAt
    },
    unsupported() {
      // A probe that finds what is known already is no news.
      if (!isLackKnown || core.state.status !== 'FALLBACK') {
        faults.raise('REFUSED', NO_WEBSOCKET, { hint: 'runtime' })
      }
      if (!isLackKnown) log('error', NO_WEBSOCKET)
      isLackKnown = true
      core.dispatch('unsupported', 'Connection failed')
    },
    events: {
      dialedUrl: () => core.dialedUrl,
      onAnswered() {
        // Polls that failed are over: what is shown of them would not be true any more.
        if (faults.last?.code !== 'POLL') return
        faults.clear(
          isLackKnown ? toError('REFUSED', NO_WEBSOCKET, { hint: 'runtime' }) : undefined,
        )
        deps.loop.settle()
      },
      onFailed(error) {
        const fault = toError('POLL', error)
        faults.report('POLL', withMessage(fault, whilePolling(fault.message)))
      },
      onRefused(status) {
        const hint = status === 401 ? 'login' : 'origin'
        faults.raise('REFUSED', `Poll refused: HTTP ${status}`, { httpStatus: status, hint })
        core.dispatch('refused', 'Poll refused')
      },
      onRecovered(askedAt) {
        recoveredAt = askedAt
        core.dispatch('pollRecovered')
      },
      onMissing(status, instead) {
        const { fallback } = core.parts
        if (!isMissingKnown && fallback) {
          const what = `HTTP ${status}${instead && `, ${instead}`}`
          const message = `No fallback at ${shownUrl(fallback.url)} (${what}); set fallback.url, or fallback: false`
          log('warn', message)
          faults.raise('POLL', whilePolling(message), { httpStatus: status, hint: 'fallback' })
        }
        isMissingKnown = true
        core.dispatch('fallbackMissing', 'No fallback')
      },
    },
  }
}
