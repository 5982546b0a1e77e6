/** What each effect of the machine does. */
import { NORMAL } from '../protocol/close-codes.ts'
import type { ConnectionCore } from './connection-core.ts'
import type { Dialing } from './dialing.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { LinkSlot } from './link-slot.ts'
import type { RedialWait } from './redial-wait.ts'
import type { RunLoop } from './run-loop.ts'
import type { Effect } from './states.ts'

export interface EffectsDeps {
  readonly core: ConnectionCore
  readonly loop: RunLoop
  readonly heartbeat: Heartbeat
  readonly slot: LinkSlot
  readonly dialing: Dialing
  readonly wait: RedialWait
}

/** `reason` and `afterMs` are those of the event. */
export type Effects = Readonly<Record<Effect, (reason?: string, afterMs?: number) => void>>

const SHORT_PROBE_MS = 5000
/** Machines that got no answer from the network begin to wait longer and longer after so much time. */
const OLD_DIAL_MS = 1000

export const createEffects = (deps: EffectsDeps): Effects => {
  const { core, loop, slot, dialing } = deps

  const closeLink = (reason = ''): void => dialing.end({ code: NORMAL, reason, wasClean: true })
  const startPolling = (): void => core.parts.fallback?.start(dialing.pollEvents)
  const stopPolling = (): void => core.parts.fallback?.stop()

  return {
    closeLink,
    dial: dialing.dial,
    startPolling,
    stopPolling,
    wait: (_reason, afterMs) => deps.wait.begin(afterMs),
    checkLink: () => deps.heartbeat.probe(SHORT_PROBE_MS),
    // What was dialed before the machine slept may hang for ever.
    checkDial: () => dialing.limit(SHORT_PROBE_MS),
    // A dial that began in the outage may hang long after it: TCP tries again at growing intervals.
    replaceOldDial() {
      if (dialing.recoveredPollAt - dialing.startedAt < OLD_DIAL_MS) return
      closeLink()
      dialing.dial()
    },
    pollNow: () => core.parts.fallback?.pollNow(),
    pollAnew() {
      stopPolling()
      startPolling()
    },
    announceReady() {
      const { live } = slot
      loop.notify(() => slot.announceReady(live))
    },
  }
}
