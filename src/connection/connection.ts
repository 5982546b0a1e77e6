/** Runs the effects of the machine; the only place that holds a live transport. */

import type { ClientEvents } from '../client/client-types.ts'
import { type ErrorCode, type ResilientWebSocketError, toError, wordsOf } from '../errors.ts'
import { createFallback, type FallbackHooks } from '../http/fallback.ts'
import type { Logger } from '../options/options.ts'
import * as CLOSE from '../protocol/close-codes.ts'
import { faultOf, isLoopback, shownUrl } from '../shared/address.ts'
import { createFifo } from '../shared/fifo.ts'
import { isLate } from '../shared/promises.ts'
import { answerOf, ask, isNothing } from '../shared/resolve-value.ts'
import type { CloseInfo, Frame, Transport } from '../transport/transport.ts'
import { openWebSocket } from '../transport/websocket.ts'
import { isAboutToken, judge } from './close-policy.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { LiveLink } from './link-user.ts'
import { initialState, type MachineState, transition } from './machine.ts'
import { createWake } from './page-signals.ts'
import { backoffDelay } from './retry-delay.ts'
import type { Effect, EventName, StateChange } from './states.ts'
import { createTokenKeeper } from './token-provider.ts'
import { STATES } from './transitions.ts'

/** What the driver needs of the rest of the client. */
export interface DriverHooks
  extends Omit<
    FallbackHooks,
    'token' | 'lastUrl' | 'answered' | 'failed' | 'refused' | 'missing' | 'recovered'
  > {
  log(level: keyof Logger, words: string): void
  emit<Name extends keyof ClientEvents<unknown, unknown>>(
    name: Name,
    payload: ClientEvents<unknown, unknown>[Name],
  ): void
  /** Something in the snapshot changed. */
  changed(): void
  /** The status is about to leave OPEN, or nobody looks any more. */
  flush(): void
  opened(link: LiveLink): void
  /** Messages may flow. */
  ready(link: LiveLink): void
  /** The link that was open is gone. */
  down(): void
  received(payload: unknown, at: number): void
  /** A link was closed because a message was too large. */
  tooLarge(): void
  /** Asks the server for a sign of life. Absent where there is nothing to ask with: then silence proves nothing. */
  ping: (() => void) | undefined
  /** The link, suspected to be dead, has spoken. */
  trusted(): void
}

export interface Driver {
  readonly state: MachineState
  readonly history: readonly StateChange[]
  readonly connectedAt: number | null
  readonly nextRetryAt: number | null
  /** The last one; OPEN clears it, and a poll that is answered clears one of polling. */
  readonly error: ResilientWebSocketError | null
  dispatch(event: EventName, reason?: string): void
  /** An error that the connection survives. */
  report(code: ErrorCode, thrown: unknown): void
  /** The token of this connection, once a dial has asked for it. */
  token(): string | undefined
  /** `undefined`: the next dial asks anew. */
  setToken(token: string | undefined): void
  /** Another user: no token that is known is theirs. */
  forgetToken(): void
  /** Another user: what was said to the one before is not shown any more, unless it is why nothing goes on. */
  forgetError(): void
  /** The link that is open is of no use; the next one is dialed after so many ms, or the usual delay. */
  fail(reason: string, afterMs?: number): void
  /** The server is of no use, today or tomorrow. */
  refuse(words: string): void
  /** While there is no link and the server takes messages by POST, posts them. */
  post(): void
  /** What a poll said before is forgotten: the next one has to say it again. */
  forgetPolled(): void
  /** Writes to the link that is open. Throws if there is none or it refuses. */
  write(frame: Frame): void
  bufferedBytes(): number
  /** False while the link may be dead: the heartbeat asks it, and `trusted` follows. */
  trustworthy(): boolean
  retune(intervalMs?: number, timeoutMs?: number): void
}

const SHORT_PROBE_MS = 5000
/** So long after its `error` a failed WebSocket has long said `close`, too. */
const NO_CLOSE_MS = 500
/** Machines that got no answer from the network begin to wait longer and longer after so much time. */
const OLD_DIAL_MS = 1000
const NO_WEBSOCKET =
  'There is no WebSocket in this runtime; pass environment: { WebSocket }, such as the one of the package ws'
const BLOCKED_HINT = 'check the URL, wss: on https: pages, and connect-src of the CSP'
/** A browser does not show the 403 of a refused origin, so that only the log of the server can name it. */
const NEVER_OPENED_HINT =
  ' (none has opened yet: check that the server runs, and that it allows this origin, or clients that send none; its log says so)'

export const createDriver = (hooks: DriverHooks): Driver => {
  const { settings, environment, timers, log, emit } = hooks
  const { reconnect, fallback } = settings
  const { now, monotonicNow, random } = environment
  let state = initialState(reconnect.maxAttempts, fallback !== false)
  /** The last changes, and the list of them that is shown, made when somebody looks. */
  const changes = createFifo<StateChange>()
  let history: readonly StateChange[] | undefined
  let connectedAt: number | null = null
  let nextRetryAt: number | null = null
  let error: ResilientWebSocketError | null = null
  let link: Transport | undefined
  let linkOpen = false
  /** The link that is open, as the parts that live with it have it. */
  let live: LiveLink | undefined
  let hasOpened = false
  /** Names the dial under way: what an older one still brings is not heard. */
  let dials = 0
  /** When it began and when it is given up, by the monotonic clock. */
  let dialedAt = 0
  let dialUntil = 0
  /** When the poll was sent whose answer ended an outage, by the monotonic clock. */
  let recoveredPollAt = 0
  /** What the application was asked for this dial and has not answered yet. */
  const unanswered = new Set<string>()
  let lastUrl = ''
  /** A link that a page has closed was dialed at once, and none was stable since. */
  let hurried = false
  let missedFallback = false
  let lacksSocket = false
  const token = createTokenKeeper(settings.token)

  /** The server is on this machine, as far as is known: it needs no network. */
  const isLocal = (): boolean => {
    const { url } = settings
    return isLoopback(lastUrl || (typeof url === 'function' ? '' : `${url}`))
  }

  /** A hint, which may be wrong either way. */
  const isOffline = (): boolean => !environment.page.online() && !isLocal()

  // ---- the loop: one event at a time, to its end; then what happened is told, in its order, so that
  // a listener that calls back in finds a whole client, and sees at once what its own call did

  const events: [EventName, string | undefined, number | undefined][] = []
  const news: (() => void)[] = []
  let running = false
  let telling = false

  /** `afterMs`: wait exactly so long before the next dial, instead of the backoff. */
  const dispatch = (event: EventName, reason?: string, afterMs?: number): void => {
    events.push([event, reason, afterMs])
    if (running) return
    running = true
    try {
      for (let next = events.shift(); next; next = events.shift()) step(...next)
    } finally {
      running = false
    }
    tell()
  }

  const tell = (): void => {
    hooks.changed()
    if (telling) return
    telling = true
    try {
      for (let next = news.shift(); next; next = news.shift()) next()
    } finally {
      telling = false
    }
  }

  const step = (event: EventName, reason?: string, afterMs?: number): void => {
    // A change of `onLine` that no event told.
    if (event === 'lost' && isOffline() === state.online) {
      state = transition(state, state.online ? 'wentOffline' : 'wentOnline')[0]
    }
    const [next, effects] = transition(state, event)
    const { name, status: from } = state
    const { status: to } = next
    if (from !== to && from === 'OPEN') hooks.flush()
    // A user who asks again may have a better token by now.
    if (event === 'stabilised') hurried = false
    if (event === 'stabilised' || (name === 'failed' && next.name !== name)) token.accepted()
    state = next
    if (from !== to) {
      const timestamp = now()
      connectedAt = to === 'OPEN' ? timestamp : null
      if (to === 'OPEN') error = null
      const change = { from, to, timestamp, ...(reason && { reason }) }
      changes.push(change)
      if (changes.length > settings.history.limit) changes.shift()
      history = undefined
      news.push(() => emit('status', change))
      if (to === 'OPEN') news.push(() => emit('open', undefined))
    }
    if (!STATES[state.name].waits) {
      nextRetryAt = null
      timers.clear('wait')
    }
    keepTimers()
    for (const effect of effects) EFFECTS[effect](reason, afterMs)
    if (name !== 'ready' && next.name === 'ready') {
      const mine = dials
      news.push(() => {
        if (mine === dials && live) hooks.ready(live)
      })
    }
  }

  const fail = (code: ErrorCode, thrown: unknown): void => {
    const failure = toError(code, thrown)
    error = failure
    news.push(() => emit('error', failure))
  }

  const report = (code: ErrorCode, thrown: unknown): void => {
    fail(code, thrown)
    if (!running) tell()
  }

  // ---- timers that belong to statuses

  /** Those that ran are not set again until they were not wanted for once. */
  const kept = new Set<EventName>()

  const keep = (
    event: EventName,
    wanted: boolean,
    afterMs: number | undefined,
    reason?: string,
  ): void => {
    if (!wanted || afterMs === undefined || afterMs === Number.POSITIVE_INFINITY) {
      kept.delete(event)
      timers.clear(event)
    } else if (!kept.has(event)) {
      kept.add(event)
      timers.set(event, afterMs, () => dispatch(event, reason))
    }
  }

  const keepTimers = (): void => {
    const { status, attempt } = state
    const open = status === 'OPEN'
    const dialing = status === 'CONNECTING' || status === 'RECONNECTING'
    keep('stabilised', open, reconnect.stableAfterMs)
    keep('overdue', dialing, fallback ? fallback.afterMs : undefined, 'Connection overdue')
    // Counted from the first failure until the link was stable again.
    const failing = !fallback && attempt > 0 && (dialing || open)
    keep('gaveUp', failing, reconnect.giveUpAfterMs, 'Gave up')
    if (open || dialing || status === 'FALLBACK') wake.start()
    else wake.stop()
  }

  // ---- rules of the application

  /** Rules that gave a promise: each is reported once. */
  const lateRules = new Set<string>()

  /** The answer of a rule; `undefined`, and the default counts, where it throws or gives a promise. */
  const ruled = <T>(name: string, expected: string, rule: () => T): T | undefined => {
    try {
      const answer = rule()
      if (!isLate(answer)) return answer
      if (!lateRules.has(name)) {
        lateRules.add(name)
        const words = `expected ${expected} at once, got a promise; it counts for nothing`
        fail('BAD_OPTION', new TypeError(`${name}: ${words}`))
      }
    } catch (thrown) {
      log('error', `${name} threw: ${thrown}`)
    }
    return undefined
  }

  const { jitter, when } = reconnect
  const backoff =
    typeof jitter === 'function'
      ? {
          ...reconnect,
          jitter: (delayMs: number) =>
            ruled('reconnect.jitter', 'a number', () => jitter(delayMs, random)) ?? delayMs,
        }
      : reconnect

  // ---- effects

  const wait = (_reason?: string, afterMs?: number): void => {
    const { attempt, maxAttempts, phase } = state
    const probing = phase === 'polling'
    const slowest = phase === 'offline' ? reconnect.maxDelayMs : 0
    const delayMs = Math.round(
      probing && fallback
        ? (afterMs ?? fallback.probeIntervalMs * (0.9 + random() / 5))
        : Math.max(slowest, afterMs ?? backoffDelay(backoff, attempt, random)),
    )
    const at = now() + delayMs
    nextRetryAt = at
    timers.set('wait', delayMs, () => dispatch('waited'))
    if (probing) return
    log('info', `Scheduling reconnect in ${delayMs}ms (attempt ${attempt}/${maxAttempts})`)
    news.push(() => emit('retry', { attempt, maxAttempts, delayMs, at }))
  }

  /** The link is over or given up: what it still says is not heard. */
  const endLink = (info: CloseInfo, always?: boolean): void => {
    const { code, reason } = info
    const wasOpen = linkOpen
    dials++
    unanswered.clear()
    token.giveUp()
    timers.clear('connect')
    timers.clear('blocked')
    heartbeat.stop()
    link?.close(code < 3000 ? CLOSE.NORMAL : code, reason)
    link = live = undefined
    linkOpen = false
    if (wasOpen) hooks.down()
    if (!wasOpen && !always) return
    log('info', `Connection closed: ${code} ${reason}`)
    news.push(() => emit('close', info))
  }

  const giveUp = (reason: string, code: ErrorCode, closeCode: number, afterMs?: number): void => {
    const names = [...unanswered]
    endLink({ code: closeCode, reason, wasClean: false }, link !== undefined)
    fail(
      code,
      names.length
        ? `${reason} (${names.join(' and ')} ${names[1] ? 'have' : 'has'} not answered)`
        : reason,
    )
    dispatch('lost', reason, afterMs)
  }

  const refuse = (words: string, closeCode: number = CLOSE.USELESS): void => {
    endLink({ code: closeCode, reason: '', wasClean: false }, link !== undefined)
    fail('REFUSED', words)
    dispatch('refused', 'Connection failed')
  }

  /** The browser will not have it, today or tomorrow. */
  const blocked = (): void =>
    refuse(`The browser blocks ${shownUrl(lastUrl)} (${BLOCKED_HINT})`, CLOSE.ABNORMAL)

  /**
   * Firefox closes the sockets of a page when a link is clicked, also one to a download, which leaves the page as it is
   * (seen in 153: 1001, clean, no `pagehide`). A reason would be the server's.
   */
  const isByPage = ({ code, reason }: CloseInfo): boolean =>
    code === CLOSE.GOING_AWAY && !reason && wake.isSeen()

  const linkClosed = (info: CloseInfo): void => {
    const { code, reason } = info
    const wasOpen = linkOpen
    if (code === CLOSE.TOO_LARGE) hooks.tooLarge()
    endLink(info, true)
    const words = `Connection ${wasOpen ? 'lost' : 'failed'}`
    const detail = `${words}: ${code} ${reason}`
    // A client that has a token, and was not heard in time, was held up by the network.
    const hasToken = (settings.token ?? token.current()) !== undefined
    const mayCure = code === CLOSE.NOT_HEARD ? hasToken : isAboutToken(code) && token.refused()
    const own = ruled('reconnect.when', 'true, false, a number or undefined', () => when?.(info))
    const verdict = judge(info, own, mayCure)
    if (verdict === false) {
      fail('REFUSED', `${detail} (final: the server refuses this client)`)
      dispatch('refused', words)
    } else {
      const hurries = wasOpen && !hurried && isByPage(info)
      hurried ||= hurries
      fail(wasOpen ? 'LOST' : 'FAILED', hasOpened ? detail : `${detail}${NEVER_OPENED_HINT}`)
      dispatch('lost', words, verdict ?? (hurries ? 0 : undefined))
    }
  }

  /** Gives the dial under way so long, unless it has less left. */
  const limitDial = (withinMs: number): void => {
    const until = monotonicNow() + withinMs
    if (until >= dialUntil) return
    dialUntil = until
    timers.set('connect', withinMs, () => giveUp('Connect timeout', 'FAILED', CLOSE.TIMED_OUT))
  }

  const unsupported = (): void => {
    // A probe that finds what is known already is no news.
    if (!lacksSocket || state.status !== 'FALLBACK') fail('REFUSED', NO_WEBSOCKET)
    if (!lacksSocket) log('error', NO_WEBSOCKET)
    lacksSocket = true
    dispatch('unsupported', 'Connection failed')
  }

  /** What goes wrong with polling where there is no WebSocket must not hide why the client polls at all. */
  const whilePolling = (words: string): string =>
    environment.WebSocket ? words : `${words}; ${NO_WEBSOCKET}`

  const liveLink = (transport: Transport): LiveLink => ({
    send(frame) {
      if (link !== transport) throw new Error('The link is closed')
      transport.send(frame)
    },
    bufferedBytes: transport.bufferedBytes,
    isTrustworthy: heartbeat.trustworthy,
    fail(reason) {
      if (link === transport) giveUp(reason, 'LOST', CLOSE.USELESS)
    },
  })

  const dial = (): void => {
    const mine = ++dials
    dialedAt = monotonicNow()
    dialUntil = Number.POSITIVE_INFINITY
    limitDial(settings.connectTimeoutMs)

    // The caller has its client before it hears that a dial failed.
    const later = (code: ErrorCode, event: EventName, thrown: unknown, hint = ''): void =>
      queueMicrotask(() => {
        if (mine !== dials) return
        const words = wordsOf(thrown)
        const whole = hint ? `${words} (${hint})` : words
        // A constructor's own words may hold the whole URL, or a subprotocol that is a token.
        const safe = code === 'REFUSED' ? `${(thrown as Error).name} (${hint})` : whole
        log('warn', `Connection failed: ${safe}`)
        fail(code, hint ? whole : thrown)
        dispatch(event, 'Connection failed')
      })

    const open = ([url, offered]: unknown[]): void => {
      if (mine !== dials) return
      if (!url) return later('FAILED', 'lost', new TypeError(`url: expected a URL, got '${url}'`))
      const fault =
        typeof url === 'string' || (url as URL).href
          ? faultOf(`${url}`)
          : `expected a string or a URL, got ${typeof url}`
      if (fault) return later('FAILED', 'lost', new TypeError(`url: ${fault}`))
      const protocols = [offered].flat().filter(each => !isNothing(each)) as string[]
      const odd = protocols.find(each => typeof each !== 'string')
      if (odd !== undefined) {
        const expected = 'expected a string, an array of them or nothing'
        const words = `protocols: ${expected}, got ${typeof odd}`
        return later('FAILED', 'lost', new TypeError(words))
      }
      lastUrl = `${url}`
      const again = state.status === 'CONNECTING' ? 'C' : 'Rec'
      log('info', `${again}onnecting to ${shownUrl(lastUrl)}...`)
      try {
        link = openWebSocket(environment, lastUrl, protocols, {
          opened() {
            linkOpen = true
            hasOpened = true
            timers.clear('connect')
            log('info', 'Connected')
            const rhythm = settings.heartbeat
            if (rhythm && hooks.ping) heartbeat.start(rhythm.intervalMs, rhythm.timeoutMs)
            const opened = liveLink(link as Transport)
            live = opened
            dispatch('opened')
            if (mine === dials) hooks.opened(opened)
          },
          received(payload) {
            const at = now()
            heartbeat.heard(at)
            hooks.received(payload, at)
          },
          closed: linkClosed,
          mayBeBlocked() {
            // WebKit blocks mixed content with an `error` alone; where it is no block, `close` follows at once.
            const mixed = globalThis.location?.protocol === 'https:' && /^ws:/i.test(lastUrl)
            if (mixed) timers.set('blocked', NO_CLOSE_MS, blocked)
            return mixed
          },
        })
      } catch (thrown) {
        if (environment.WebSocket) later('REFUSED', 'refused', thrown, BLOCKED_HINT)
        else queueMicrotask(() => mine === dials && unsupported())
      }
    }

    const questions = {
      url: () => ask(settings.url),
      protocols: () => ask(settings.protocols),
      token: token.wanted,
    }
    const answers = Object.entries<() => unknown>(questions).map(([name, question]) => {
      const answer = answerOf(question)
      if (!(answer instanceof Promise)) return answer
      unanswered.add(name)
      return answer.finally(() => mine === dials && unanswered.delete(name))
    })
    if (answers.some(answer => answer instanceof Promise)) {
      Promise.all(answers).then(open, thrown => later('FAILED', 'lost', thrown))
    } else open(answers)
  }

  const polling = createFallback({
    ...hooks,
    token,
    lastUrl: () => lastUrl,
    answered(poll) {
      // Polls that failed are over: what is shown of them would not be true any more.
      if (error?.code === 'POLL') {
        error = lacksSocket ? toError('REFUSED', NO_WEBSOCKET) : null
        hooks.changed()
      }
      emit('poll', poll)
    },
    failed: thrown =>
      report('POLL', environment.WebSocket ? thrown : whilePolling(wordsOf(thrown))),
    refused(status) {
      fail('REFUSED', `Poll refused: HTTP ${status}`)
      dispatch('refused', 'Poll refused')
    },
    recovered(askedAt) {
      recoveredPollAt = askedAt
      dispatch('pollRecovered')
    },
    missing(status, instead) {
      if (!missedFallback && fallback) {
        const what = `HTTP ${status}${instead && `, ${instead}`}`
        const words = `No fallback at ${shownUrl(fallback.url)} (${what}); set fallback.url, or fallback: false`
        log('warn', words)
        fail('POLL', whilePolling(words))
      }
      missedFallback = true
      dispatch('fallbackMissing', 'No fallback')
    },
  })

  const heartbeat = createHeartbeat({
    environment,
    timers,
    ping: () => hooks.ping?.(),
    // Spread, so that clients that lost the same server do not come back together.
    dead: () => giveUp('Heartbeat timeout', 'LOST', CLOSE.TIMED_OUT, random() * 1000),
    trusted: hooks.trusted,
  })

  const wake = createWake({
    environment,
    timers,
    woken: () => dispatch('woken'),
    isOffline: () => !state.online,
    wentOffline() {
      // Told once more, it would begin the wait anew, and perhaps never end it.
      if (state.online && !isLocal()) dispatch('wentOffline')
    },
    wentOnline: () => dispatch('wentOnline'),
    suspended() {
      if (link) dispatch('lost', 'Page hidden')
    },
    hidden: hooks.flush,
    blocked(url) {
      if (!link || linkOpen || !url) return
      const whole = `${new URL(lastUrl, globalThis.location?.href)}`.replace(/^http/, 'ws')
      if (whole.startsWith(url)) blocked()
    },
  })

  const EFFECTS: Record<Effect, (reason?: string, afterMs?: number) => void> = {
    closeLink: (reason = '') => endLink({ code: CLOSE.NORMAL, reason, wasClean: true }),
    dial,
    startPolling: polling.start,
    stopPolling: polling.stop,
    wait,
    checkLink: () => heartbeat.probe(SHORT_PROBE_MS),
    // What was dialed before the machine slept may hang for ever.
    checkDial: () => limitDial(SHORT_PROBE_MS),
    // A dial that began in the outage may hang long after it: TCP tries again at growing intervals.
    replaceOldDial() {
      if (recoveredPollAt - dialedAt < OLD_DIAL_MS) return
      endLink({ code: CLOSE.NORMAL, reason: '', wasClean: true })
      dial()
    },
    pollNow: polling.pollNow,
    pollAnew() {
      polling.stop()
      polling.start()
    },
  }

  return {
    get state() {
      return state
    },
    get history() {
      history ??= changes.slice()
      return history
    },
    get connectedAt() {
      return connectedAt
    },
    get nextRetryAt() {
      return nextRetryAt
    },
    get error() {
      return error
    },
    dispatch,
    report,
    token: token.current,
    setToken: token.set,
    forgetToken: token.forget,
    forgetError() {
      if (state.status !== 'ERROR') error = null
    },
    fail(reason, afterMs) {
      if (link) giveUp(reason, 'LOST', CLOSE.USELESS, afterMs)
    },
    refuse,
    post: polling.post,
    forgetPolled: polling.anew,
    write(frame) {
      if (!link) throw new Error('There is no link')
      link.send(frame)
    },
    bufferedBytes: () => link?.bufferedBytes() ?? 0,
    trustworthy: heartbeat.trustworthy,
    retune: heartbeat.retune,
  }
}
