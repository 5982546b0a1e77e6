/** Pings of the heartbeat, and how long the server takes to answer them. */
import type { Environment } from '../shared/runtime.ts'
import type { Frame } from '../transport/transport.ts'
import type { LiveLink } from './link-user.ts'

export interface RoundTripsDeps {
  readonly environment: Environment
  /** A name for the next ping. */
  newId(): string
  /** A round trip was measured, in ms. */
  onLatency(latencyMs: number): void
}

export interface RoundTrips {
  /** The last round trip, in ms; `null`: none was measured. */
  readonly latencyMs: number | null
  /** There is something to ask with. Else silence proves nothing. */
  readonly canAsk: boolean
  /** How to ask for a sign of life; `undefined`: it cannot be asked for. */
  askWith(pingFrame: ((id: string) => Frame) | undefined): void
  /** Sends a ping. Never throws. */
  ask(link: LiveLink | undefined): void
  /** The server answered the ping of this name; `undefined`: it did not say which. */
  answered(id: string | undefined): void
  /** Another user: the answer to an older ping counts for nothing. */
  reset(): void
}

export const createRoundTrips = (deps: RoundTripsDeps): RoundTrips => {
  const { monotonicNow } = deps.environment
  let pingFrame: ((id: string) => Frame) | undefined
  let pingId: string | undefined
  let pingedAt = 0
  let latencyMs: number | null = null
  return {
    get latencyMs() {
      return latencyMs
    },
    get canAsk() {
      return pingFrame !== undefined
    },
    askWith(given) {
      pingFrame = given
    },
    ask(link) {
      pingId = deps.newId()
      pingedAt = monotonicNow()
      try {
        if (pingFrame) link?.send(pingFrame(pingId))
      } catch {
        // A link that refuses is about to end anyway.
      }
    },
    answered(id) {
      if (!pingId || (id && id !== pingId)) return
      pingId = undefined
      latencyMs = monotonicNow() - pingedAt
      deps.onLatency(latencyMs)
    },
    reset() {
      pingId = undefined
    },
  }
}
