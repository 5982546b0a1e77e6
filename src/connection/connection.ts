/** Makes the machine's effects happen: the one place that holds a live link. One event is followed to its end at a time. */
import type { ErrorHint, ResilientWebSocketError } from '../errors.ts'
import type { CoreSettings } from '../options/settings.ts'
import { isLoopback } from '../shared/address.ts'
import type { Log } from '../shared/log.ts'
import { type Environment, locationOf } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { CloseInfo, Transport } from '../transport/transport.ts'
import { createCloseJudge } from './close-policy.ts'
import type { DialRules } from './dial.ts'
import { createDialing } from './dialing.ts'
import type { Fallback } from './fallback.ts'
import { createFaults, type Faults } from './faults.ts'
import type { Heartbeat } from './heartbeat.ts'
import { createHistory } from './history.ts'
import { createLinkSlot } from './link-slot.ts'
import type { LinkUser } from './link-user.ts'
import { factsOf, initialState, type MachineState, transition } from './machine.ts'
import { createPageSignals } from './page-signals.ts'
import { probeDelay, retryDelay } from './retry-delay.ts'
import { createRules } from './rules.ts'
import type { RunLoop } from './run-loop.ts'
import { createStateTimers } from './state-timers.ts'
import type { Effect, EventName, StateChange } from './states.ts'
import type { TokenProvider } from './token-provider.ts'
import { TABLE, type Table } from './transitions.ts'

/** A wait for a redial. */
export interface Retry {
  /** Which redial it will be, from 1. */
  readonly attempt: number
  /** `reconnect.maxAttempts`: after so many the fallback follows, if there is one. */
  readonly maxAttempts: number
  /** As drawn, in ms. */
  readonly delayMs: number
  /** When it ends, ms since the epoch. */
  readonly at: number
}

/** What a protocol has to say of the connection itself. */
export interface ConnectionRules extends DialRules {
  /** Its verdict on a close: final, retry, or retry after so many ms; `undefined`: the code decides. */
  closeVerdict?(close: CloseInfo): boolean | number | undefined
}

export interface ConnectionDeps {
  readonly settings: Pick<
    CoreSettings,
    'url' | 'protocols' | 'reconnect' | 'connectTimeoutMs' | 'history'
  >
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly loop: RunLoop
  readonly token: TokenProvider
  readonly transport: Transport
  readonly heartbeat: Heartbeat
  onStatus(change: StateChange): void
  onError(error: ResilientWebSocketError): void
  onRetry(retry: Retry): void
  onClose(close: CloseInfo): void
  /** The status is about to leave OPEN, or nobody sees the page any more: what waits to be rendered is due. */
  onLeave(): void
}

/** What lives with the links of a connection. */
export interface ConnectionParts {
  readonly rules: ConnectionRules
  /** Called in this order, on the way up and on the way down. */
  readonly users: readonly LinkUser[]
  readonly fallback: Fallback | undefined
  /** A frame came, by the wall clock at this time. */
  onFrame(payload: unknown, at: number): void
  /** A link was closed because a message was too large. */
  onTooLarge(): void
}

export interface Connection {
  readonly state: MachineState
  /** The last changes of status, oldest first. */
  readonly history: readonly StateChange[]
  /** Since when the status is OPEN, ms since the epoch. */
  readonly connectedAt: number | null
  /** When the next dial is due, ms since the epoch. */
  readonly nextRetryAt: number | null
  /** Its errors: the last one, and the event. */
  readonly faults: Faults
  /** Hands over what lives with the links, before the first event. */
  serve(parts: ConnectionParts): void
  dispatch(event: EventName, reason?: string): void
  /** The server is of no use, today or tomorrow: ERROR. */
  refuse(message: string, hint?: ErrorHint): void
}

const SHORT_PROBE_MS = 5000
/** Machines that got no answer from the network begin to wait longer and longer after so much time. */
const OLD_DIAL_MS = 1000
/** Before `serve()`. */
const NOTHING: ConnectionParts = {
  rules: {},
  users: [],
  fallback: undefined,
  onFrame() {},
  onTooLarge() {},
}
const GOODBYE = { code: 1000, wasClean: true }

export const createConnection = (deps: ConnectionDeps): Connection => {
  const { settings, environment, timers, log, loop, token, heartbeat } = deps
  const { reconnect } = settings
  const { now, random, page } = environment
  let parts: ConnectionParts = NOTHING
  let table: Table = TABLE
  let state = initialState(reconnect.maxAttempts, false)
  const history = createHistory(settings.history.limit)
  let connectedAt: number | null = null
  let nextRetryAt: number | null = null
  const faults = createFaults(loop, () => state.status === 'FALLBACK', deps.onError)

  /** `afterMs`: wait exactly so long before the next dial, instead of the backoff. */
  const dispatch = (event: EventName, reason?: string, afterMs?: number): void =>
    loop.run(() => step(event, reason, afterMs))

  const stateTimers = createStateTimers(timers, dispatch)

  const slot = createLinkSlot({
    transport: deps.transport,
    users: () => parts.users,
    heartbeat,
    onOpened() {
      dialing.opened()
      log('info', 'Connected')
      dispatch('opened')
    },
    onFrame: (payload, at) => parts.onFrame(payload, at),
    onReady: () => dispatch('proved'),
    now,
    onClosed: close => dialing.closed(close),
    onBlocked: () => dialing.blocked(),
    onFailed: (reason, details) => dialing.giveUp(reason, 'LOST', details),
    onEnded(close) {
      log('info', `Connection closed: ${close.code} ${close.reason}`)
      loop.notify(() => deps.onClose(close))
    },
  })

  const askRule = createRules(log, faults)
  const judge = createCloseJudge({
    when: reconnect.when,
    closeVerdict: close => parts.rules.closeVerdict?.(close),
    askRule,
    token,
    isSeen: () => signals.isSeen(),
  })
  const dialing = createDialing({
    ...deps,
    faults,
    slot,
    judge,
    dispatch,
    state: () => state,
    parts: () => parts,
  })

  /** The server is on this machine, as far as is known: it needs no network. */
  const isLocal = (): boolean => {
    const { url } = settings
    const known = dialing.url || (typeof url === 'function' ? '' : `${url}`)
    return isLoopback(known, locationOf(environment)?.href)
  }

  const signals = createPageSignals({
    environment,
    timers,
    isOffline: () => !state.online,
    onWoken: () => dispatch('woken'),
    onOffline() {
      // Told once more, it would begin the wait anew, and perhaps never end it.
      if (state.online && !isLocal()) dispatch('wentOffline')
    },
    onOnline: () => dispatch('wentOnline'),
    onSuspended() {
      if (slot.isTaken) dispatch('lost', 'Page hidden')
    },
    onHidden: deps.onLeave,
    onBlocked: dialing.blockedByPolicy,
  })

  const { jitter } = reconnect
  const backoff =
    typeof jitter === 'function'
      ? {
          ...reconnect,
          jitter: (delayMs: number) =>
            askRule('reconnect.jitter', 'a number', () => jitter(delayMs, random)) ?? delayMs,
        }
      : reconnect

  const wait = (_reason?: string, afterMs?: number): void => {
    const { attempt, maxAttempts, phase } = state
    const delayMs =
      phase === 'polling' && parts.fallback
        ? probeDelay(parts.fallback.probeIntervalMs, random, afterMs)
        : retryDelay(backoff, state, random, afterMs)
    const at = now() + delayMs
    nextRetryAt = at
    timers.set('wait', delayMs, () => dispatch('waited'))
    if (phase === 'polling') return
    log('info', `Scheduling reconnect in ${delayMs}ms (attempt ${attempt}/${maxAttempts})`)
    loop.notify(() => deps.onRetry({ attempt, maxAttempts, delayMs, at }))
  }

  const EFFECTS: Record<Effect, (reason?: string, afterMs?: number) => void> = {
    closeLink: (reason = '') => dialing.end({ ...GOODBYE, reason }),
    dial: dialing.dial,
    startPolling: () => parts.fallback?.start(dialing.pollEvents),
    stopPolling: () => parts.fallback?.stop(),
    wait,
    checkLink: () => heartbeat.probe(SHORT_PROBE_MS),
    // What was dialed before the machine slept may hang for ever.
    checkDial: () => dialing.limit(SHORT_PROBE_MS),
    // A dial that began in the outage may hang long after it: TCP tries again at growing intervals.
    replaceOldDial() {
      if (dialing.recoveredPollAt - dialing.startedAt < OLD_DIAL_MS) return
      dialing.end({ ...GOODBYE, reason: '' })
      dialing.dial()
    },
    pollNow: () => parts.fallback?.pollNow(),
    pollAnew() {
      parts.fallback?.stop()
      parts.fallback?.start(dialing.pollEvents)
    },
    announceReady() {
      const { live } = slot
      loop.notify(() => slot.announceReady(live))
    },
  }

  const step = (event: EventName, reason?: string, afterMs?: number): void => {
    // A change of `onLine` that no event told.
    if (event === 'lost' && (!page.online() && !isLocal()) === state.online) {
      state = transition(state, state.online ? 'wentOffline' : 'wentOnline', table)[0]
    }
    const before = state
    const [next, effects] = transition(state, event, table)
    const { status: from } = before
    const { status: to } = next
    if (from === 'OPEN' && to !== from) deps.onLeave()
    if (event === 'stabilised') judge.stabilised()
    // A user who asks again may have a better token by now.
    if (event === 'stabilised' || (before.name === 'failed' && next.name !== 'failed')) {
      token.accepted()
    }
    state = next
    if (from !== to) {
      const change = history.add(from, to, now(), reason)
      connectedAt = to === 'OPEN' ? change.timestamp : null
      if (to === 'OPEN') faults.clear()
      loop.notify(() => deps.onStatus(change))
    }
    const facts = factsOf(state, table)
    if (!facts.waits) {
      nextRetryAt = null
      timers.clear('wait')
    }
    stateTimers.follow(before, state, table)
    if (facts.watchesPage) signals.start()
    else signals.stop()
    for (const effect of effects) EFFECTS[effect](reason, afterMs)
  }

  return {
    get state() {
      return state
    },
    get history() {
      return history.list()
    },
    get connectedAt() {
      return connectedAt
    },
    get nextRetryAt() {
      return nextRetryAt
    },
    faults,
    serve(given) {
      parts = given
      const { fallback } = given
      if (fallback) table = fallback.table
      state = initialState(reconnect.maxAttempts, fallback !== undefined)
      stateTimers.limit({
        stabilised: reconnect.stableAfterMs,
        overdue: fallback?.afterMs,
        gaveUp: reconnect.giveUpAfterMs,
      })
    },
    dispatch: (event, reason) => dispatch(event, reason),
    refuse: (message, hint) => dialing.refuse(message, hint),
  }
}
