/** Makes the machine's effects happen: the one place that holds a live link. One event is followed to its end at a time. */
import type { ErrorHint } from '../errors.ts'
import type { CoreSettings } from '../options/settings.ts'
import type { Log } from '../shared/log.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { CloseDetails, Transport } from '../transport/transport.ts'
import { createCloseJudge } from './close-policy.ts'
import type { ConnectionCore, ConnectionParts } from './connection-core.ts'
import { createDialer } from './dial.ts'
import { createDialing } from './dialing.ts'
import { createEffects } from './effects.ts'
import type { Faults } from './faults.ts'
import type { Heartbeat } from './heartbeat.ts'
import { createHistory } from './history.ts'
import { createLinkEnds } from './link-ends.ts'
import { createLinkSlot } from './link-slot.ts'
import { factsOf, initialState, type MachineState, transition } from './machine.ts'
import { createPageSignals } from './page-signals.ts'
import { createRedialWait, type Retry } from './redial-wait.ts'
import { createRules } from './rules.ts'
import type { RunLoop } from './run-loop.ts'
import { createStateTimers } from './state-timers.ts'
import type { EventName, StateChange } from './states.ts'
import type { TokenProvider } from './token-provider.ts'
import { TABLE, type Table } from './transitions.ts'

export interface ConnectionDeps {
  readonly settings: Pick<
    CoreSettings,
    'url' | 'protocols' | 'reconnect' | 'connectTimeoutMs' | 'history'
  >
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly loop: RunLoop
  readonly faults: Faults
  readonly token: TokenProvider
  readonly transport: Transport
  readonly heartbeat: Heartbeat
  onStatus(change: StateChange): void
  onRetry(retry: Retry): void
  onClose(close: CloseDetails): void
}

export interface Connection {
  readonly state: MachineState
  /** The last changes of status, oldest first. */
  readonly history: readonly StateChange[]
  /** Since when the status is OPEN, ms since the epoch. */
  readonly connectedAt: number | null
  /** When the next dial is due, ms since the epoch. */
  readonly nextRetryAt: number | null
  /** Hands over what lives with the links, before the first event. */
  serve(parts: ConnectionParts): void
  dispatch(event: EventName, reason?: string): void
  /** The server is of no use, today or tomorrow: ERROR. */
  refuse(message: string, hint?: ErrorHint): void
}

/** Before `serve()`. */
const NOTHING: ConnectionParts = {
  rules: {},
  users: [],
  fallback: undefined,
  onFrame() {},
  onTooLarge() {},
  onLeave() {},
}

export const createConnection = (deps: ConnectionDeps): Connection => {
  const { settings, environment, timers, log, loop, faults, token } = deps
  const { reconnect } = settings
  const { now } = environment
  let table: Table = TABLE
  const history = createHistory(settings.history.limit)
  let connectedAt: number | null = null

  const core: ConnectionCore = {
    state: initialState(reconnect.maxAttempts, false),
    parts: NOTHING,
    dialedUrl: '',
    dispatch: (event, reason, afterMs) => loop.run(() => step(event, reason, afterMs)),
  }
  const stateTimers = createStateTimers(timers, core.dispatch)
  const slot = createLinkSlot({ ...deps, core, now })
  const signals = createPageSignals({ ...deps, core, slot })
  const askRule = createRules(log, faults)
  const judge = createCloseJudge({ core, when: reconnect.when, askRule, token, signals })
  const dialer = createDialer({ ...settings, environment, timers, token })
  const ends = createLinkEnds({ core, faults, slot, judge, dialer })
  const dialing = createDialing({ ...deps, core, slot, dialer, ends })
  const wait = createRedialWait({ ...deps, core, reconnect, askRule })
  const effects = createEffects({ ...deps, core, slot, dialing, wait })

  const step = (event: EventName, reason?: string, afterMs?: number): void => {
    // A change of `onLine` that came without an event.
    if (event === 'lost' && signals.isOffline() === core.state.online) {
      const change = core.state.online ? 'wentOffline' : 'wentOnline'
      core.state = transition(core.state, change, table)[0]
    }
    const before = core.state
    const [next, due] = transition(before, event, table)
    const { status: from } = before
    const { status: to } = next
    if (from === 'OPEN' && to !== from) core.parts.onLeave()
    if (event === 'stabilised') judge.stabilised()
    // A user who asks again may have a better token by now.
    if (event === 'stabilised' || (before.name === 'failed' && next.name !== 'failed')) {
      token.accepted()
    }
    core.state = next
    faults.isProbing = to === 'FALLBACK'
    if (from !== to) {
      const change = history.add(from, to, now(), reason)
      connectedAt = to === 'OPEN' ? change.timestamp : null
      if (to === 'OPEN') faults.clear()
      loop.notify(() => deps.onStatus(change))
    }
    const facts = factsOf(next, table)
    if (!facts.waits) wait.end()
    stateTimers.follow(before, next, table)
    if (facts.watchesPage) signals.start(dialing.blockedByPolicy)
    else signals.stop()
    for (const effect of due) effects[effect](reason, afterMs)
  }

  return {
    get state() {
      return core.state
    },
    get history() {
      return history.list()
    },
    get connectedAt() {
      return connectedAt
    },
    get nextRetryAt() {
      return wait.endsAt
    },
    serve(parts) {
      core.parts = parts
      const { fallback } = parts
      if (fallback) table = fallback.table
      core.state = initialState(reconnect.maxAttempts, fallback !== undefined)
      stateTimers.limit({
        stabilised: reconnect.stableAfterMs,
        overdue: fallback?.afterMs,
        gaveUp: reconnect.giveUpAfterMs,
      })
    },
    dispatch: (event, reason) => core.dispatch(event, reason),
    refuse: (message, hint) => ends.refuse(message, hint),
  }
}
