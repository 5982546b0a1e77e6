/** `createResilientWebSocket`: wires the rooms together. */

import { createChannels } from '../channels/channel.ts'
import { createChannelRegistry } from '../channels/channel-registry.ts'
import { createDriver, type DriverHooks } from '../connection/connection.ts'
import type { LiveLink } from '../connection/link-user.ts'
import { createAborts } from '../delivery/aborts.ts'
import { createBatcher } from '../delivery/batcher.ts'
import { createDedupe } from '../delivery/dedupe.ts'
import { createInbox } from '../delivery/inbox.ts'
import { createOutbox } from '../delivery/outbox.ts'
import { createRequests } from '../delivery/requests.ts'
import { createSend } from '../delivery/send.ts'
import { createSequence, type Sequence } from '../delivery/sequence.ts'
import { createSuppression } from '../delivery/suppression.ts'
import { type ErrorCode, ResilientWebSocketError } from '../errors.ts'
import {
  DEFAULTS,
  type Logger,
  type ResilientWebSocketOptions,
  resolveOptions,
} from '../options/options.ts'
import { envelope } from '../protocol/envelope.ts'
import type { EnvelopeHost } from '../protocol/envelope-core.ts'
import type { IncomingEnvelope, OutgoingEnvelope } from '../protocol/envelope-types.ts'
import type { OwnConversation } from '../protocol/own-conversation.ts'
import type { LinkTerms, Protocol, ProtocolHost } from '../protocol/protocol.ts'
import type { SessionsDeps } from '../protocol/v1/deps.ts'
import { createSessions } from '../protocol/v1/sessions.ts'
import { createIds } from '../shared/ids.ts'
import { resolveEnvironment } from '../shared/runtime.ts'
import { createTimers } from '../shared/timers.ts'
import type { ClientEvents, Metrics, ResilientWebSocket } from './client-types.ts'
import { type Call, createEvents } from './emitter.ts'
import { createProtocolLinks } from './protocol-host.ts'
import { createSnapshots } from './snapshot.ts'

/** A server that wants to be left is left within this time. */
const LONGEST_LEAVE_MS = 3_600_000
const SEQ_REPLACED =
  "A message has a seq of its own, which protocol v1 replaces by the session's; name it otherwise"
const error = (code: ErrorCode, words: string): ResilientWebSocketError =>
  new ResilientWebSocketError(code, words)

/**
 * Opens a connection that keeps itself alive. Connects at once unless `enabled` is false.
 *
 * ```ts
 * const socket = createResilientWebSocket({ url: 'wss://example.com/ws' })
 * socket.on('status', ({ to }) => console.log(to))
 * socket.on('message', message => console.log(message))
 * socket.send({ type: 'order', data: { symbol: 'AAPL', quantity: 10 } })
 * ```
 *
 * Throws a `TypeError` or `RangeError` for a bad option, and only then.
 */
export const createResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options?: ResilientWebSocketOptions<Incoming, Outgoing>,
): ResilientWebSocket<Incoming, Outgoing> => {
  const settings = resolveOptions(options)
  const { logger, heartbeat } = settings
  const environment = resolveEnvironment(settings.environment)
  const { now, monotonicNow } = environment
  const timers = createTimers(environment)
  const ids = createIds(environment)
  const protocol = settings.protocol ?? (envelope() as unknown as Protocol<Incoming, Outgoing>)

  let finished = false
  let ready = false
  /** What came so far followed the positions of protocol v1; undefined: nothing came. */
  let followed: boolean | undefined
  /** A server may have heard who we are. */
  let everUsed = false
  /** The token that the server of this link has heard. */
  let toldToken: string | undefined
  /** How many users there were. */
  let users = 0
  let agreement: LinkTerms = {}
  /** The link has the sequence and the positions of protocol v1. */
  let sequenced = false
  let live: LiveLink | undefined
  let identity = settings.identity
  let lastMessage: Incoming | null = null
  let lastMessageAt: number | null = null
  /** When the newest frame or poll came: asked for once, however many messages it holds. */
  let arrivedAt = now()
  let latencyMs: number | null = null
  let pingId: string | undefined
  let pingedAt = 0
  /** What comes was polled. */
  let polling = false
  let seqReplaced = false
  const counts: Record<string, number> = {}

  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }

  const log = (level: keyof Logger, words: string | (() => string)): void => {
    try {
      logger?.[level](`[WebSocket] ${typeof words === 'string' ? words : words()}`)
    } catch {
      // A logger that fails is no reason to fail.
    }
  }

  const suppression = createSuppression(words => log('warn', words))

  /** Something came that is not delivered. `name`: what it was taken for the same by. */
  const dropped = (reason: string, message: unknown, name?: unknown): void => {
    count(reason)
    if (logger) log('debug', () => `Dropped (${reason}): ${JSON.stringify(message)}`)
    // A poll brings again what has not changed.
    if (!polling) suppression.dropped(reason, message, name)
  }

  const call: Call = (listener, ...payload) => {
    try {
      listener(...payload)
    } catch (thrown) {
      log('error', () => `A listener threw: ${String(thrown)}`)
      queueMicrotask(() => {
        if (!globalThis.reportError) throw thrown
        reportError(thrown)
      })
    }
  }

  const events = createEvents<
    ClientEvents<Incoming, Outgoing> & { change: undefined; otherChange: undefined }
  >(call)

  const emit = <Name extends keyof ClientEvents<Incoming, Outgoing>>(
    name: Name,
    payload: ClientEvents<Incoming, Outgoing>[Name],
  ): void => {
    count(name)
    events.emit(name, payload as never)
  }

  /** Any listener may say that the user is another one by now: the others hear nothing of it then. */
  const emitMessages = <Name extends 'message' | 'batch'>(
    name: Name,
    payload: ClientEvents<Incoming, Outgoing>[Name],
  ): void => {
    count(name)
    const heardAs = users
    events.emit(name, payload as never, () => users !== heardAs)
  }

  const snapshots = createSnapshots<Incoming>(() => {
    const { status, phase, attempt, maxAttempts } = driver.state
    return {
      status,
      phase,
      attempt,
      maxAttempts,
      nextRetryAt: driver.nextRetryAt,
      error: driver.error,
      lastMessage,
      lastMessageAt,
      connectedAt: driver.connectedAt,
      transport: status === 'OPEN' ? 'websocket' : status === 'FALLBACK' ? 'polling' : null,
      queued: outbox.size(),
      latencyMs,
      sessionId: conversation.sessionId?.() ?? null,
    }
  })

  /** Something may have changed. */
  const changed = (): void => {
    if (!snapshots.changed()) return
    events.emit('change', undefined)
    events.emit('otherChange', undefined)
  }

  const { dedupe: dedupeRules, batch } = settings
  const dedupe = dedupeRules
    ? createDedupe(dedupeRules.size, dedupeRules.ttlMs, () => arrivedAt)
    : undefined
  const batcher = batch
    ? createBatcher<Incoming>(batch, timers, messages => emitMessages('batch', messages))
    : undefined

  const accept = createInbox<Incoming>({
    schema: settings.schema,
    key: dedupeRules ? dedupeRules.key : () => undefined,
    ownKey: dedupeRules !== false && dedupeRules.key !== DEFAULTS.dedupe.key,
    dedupe,
    accepted(message, given, answers) {
      suppression.delivered((given as IncomingEnvelope | null)?.type)
      lastMessage = message
      lastMessageAt = arrivedAt
      if (logger) log('debug', () => `Received: ${JSON.stringify(message)}`)
      // Made anew only for who looks: this is the hot path.
      snapshots.touch()
      const heardAs = users
      events.emit('change', undefined)
      if (users === heardAs) emitMessages('message', message)
      if (users !== heardAs) return
      // Of the message as it came: a schema may keep less.
      const { channel, replyTo } = (given ?? {}) as IncomingEnvelope
      if (channel) channels.deliver(channel, message)
      if (users !== heardAs) return
      requests.answer(answers ?? replyTo, message)
      batcher?.add(message)
    },
    dropped,
    bad: thrown => driver.report('BAD_MESSAGE', thrown),
  })

  const aborts = createAborts()
  const requests = createRequests<Incoming>(timers, aborts, monotonicNow)

  const pingMessage = heartbeat ? heartbeat.message : undefined

  const records = createChannels()

  const slowDown = (delayMs: number): void => {
    outbox.pause(delayMs)
    channels.repeat()
  }

  /** Messages may flow; `isSequenced`: with the sequence and the positions of protocol v1. */
  const agreed = (terms: LinkTerms, isSequenced = false): void => {
    agreement = terms
    sequenced = isSequenced
    driver.dispatch('proved')
  }

  const sessionsDeps: SessionsDeps = {
    secret: ids.secret,
    channels: records,
    onConfirmed: name => channels.confirmed(name),
    onGap: (channel, reason) => channels.gap({ channel, reason }),
    onRecovered: (channel, replayed) => channels.recovered({ channel, replayed }),
    denied: name => channels.refused(name),
    acked: seq => sequence.acked(seq),
    refusedAt: (seq, code, detail) => sequence.refused(seq, code, detail),
    sessionLost: () => sequence.lost(),
    waiting: () => sequence.isWaiting(),
    prepare: () => sequence.rejectUnsendable(),
    take: () => sequence.nextBatch(),
    untaken: () => sequence.batchLost(),
    onAgreed: ({ maxInFlight, told }) => agreed({ maxInFlight, channels: told }, true),
    onRefused: message => driver.refuse(message),
  }

  const host: ProtocolHost & EnvelopeHost = {
    ...environment,
    newId: ids.next,
    channels: () => channels.names(),
    sessions: (core, version) => createSessions(sessionsDeps, core, version),
    message: accept as EnvelopeHost['message'],
    dropped,
    error: (code, cause) => driver.report(code, cause),
    refused(id, code, message) {
      const refusal = new ResilientWebSocketError(code, message)
      requests.refuse(id, refusal)
      driver.report(code, refusal)
    },
    slowDown,
  }
  const conversation: OwnConversation<Incoming, Outgoing> = protocol.attach(host)

  const links = createProtocolLinks<Incoming>({
    conversation,
    timers,
    outbox: {
      control: frame => outbox.control(frame),
      acked() {},
      refused() {},
      sent() {},
    },
    channels: {
      confirmed: name => channels.confirmed(name),
      refused: (name, refusal) => channels.refused(name, refusal),
      lost: (name, loss) => channels.lost(name, loss),
    },
    requests,
    token: () => (toldToken = driver.token()),
    accept,
    onReady: agreed,
    onTerms({ intervalMs, timeoutMs, ratePerSecond, maxPayload }) {
      driver.retune(intervalMs, timeoutMs)
      outbox.limit(ratePerSecond, maxPayload)
      changed()
    },
    onDropped: dropped,
    onError: (code, cause) => driver.report(code, cause),
    onPong(id) {
      if (!pingId || (id && id !== pingId)) return
      pingId = undefined
      latencyMs = monotonicNow() - pingedAt
      changed()
      emit('latency', latencyMs)
    },
    onGap: (channel, reason) => channels.gap({ channel, reason }),
    onRecovered: (channel, replayed) => channels.recovered({ channel, replayed }),
    onSlowDown: slowDown,
    onLeave: withinMs =>
      timers.set('leave', Math.min(withinMs, LONGEST_LEAVE_MS), () =>
        driver.dispatch('outdated', 'Server asked to reconnect'),
      ),
    onClose(reason, retry) {
      if (retry === false) driver.refuse(reason)
      else driver.fail(reason, retry === true ? undefined : retry)
    },
  })

  const tellToken = (token: string | undefined): void => {
    toldToken = token
    if (token) conversation.token?.(token)
  }

  const ping = (): void => {
    pingId = ids.next()
    pingedAt = monotonicNow()
    try {
      live?.send(conversation.ping?.(pingId) ?? (pingMessage as string))
    } catch {
      // A link that refuses a frame is about to end.
    }
  }

  const driver = createDriver({
    settings: settings as never,
    environment,
    timers,
    log,
    emit: emit as DriverHooks['emit'],
    changed,
    flush: () => batcher?.flush(),
    opened(link) {
      everUsed = true
      live = link
      links.linkOpened(link)
    },
    ready(link) {
      ready = true
      // Where nobody can know what was missed: one of the two sides of it had no positions.
      const follows = sequenced || protocol.recovers === true
      const told = followed === false || (followed && !follows)
      followed = follows
      if (told) {
        emit('gap', { reason: 'reconnected' })
        // With positions each channel has its own word, once the server has said where it goes on.
        if (!follows) channels.gapOnAll('reconnected')
        // A listener may have ended the link: nothing may open for it any more.
        if (!ready) return
      }
      const token = driver.token()
      if (token !== toldToken) tellToken(token)
      // Before the queue opens, so that channels go before the first message.
      channels.linkReady?.(link, {
        known: agreement.channels ?? [],
        answers: agreement.answers !== false,
      })
      outbox.linkReady(link, { maxInFlight: sequenced ? agreement.maxInFlight : undefined })
    },
    down() {
      ready = false
      timers.clear('leave')
      live = undefined
      links.linkClosed()
      channels.linkClosed?.()
      outbox.linkClosed()
    },
    received(payload, at) {
      arrivedAt = at
      links.received(payload)
    },
    polled(message) {
      arrivedAt = now()
      everUsed = true
      followed ??= false
      polling = true
      if (conversation.deliver) conversation.deliver(message)
      else accept(message as Incoming)
      polling = false
    },
    interpret(body) {
      everUsed = true
      const messages = conversation.polled?.(body)
      followed ??= messages !== undefined
      return messages
    },
    pending: () => conversation.posts?.() ?? conversation.post !== undefined,
    prepare: unsure => conversation.prepare?.(unsure),
    outgoing: unsure => conversation.post?.(unsure),
    posted(answer) {
      arrivedAt = now()
      return conversation.posted?.(answer) ?? true
    },
    tooMuch: () => sequence.shrinkBatch(),
    tooLarge: () => sequence.suspectLargest(),
    ping: conversation.ping || pingMessage ? ping : undefined,
    trusted: () => outbox.linkTrusted(),
    channels: () => channels.names(),
    since: channel => conversation.since?.(channel),
  })

  const outbox = createOutbox<Outgoing>({
    ...settings.queue,
    environment,
    timers,
    sequence: createSequence({
      ...settings.queue,
      onSeqReplaced() {
        if (!seqReplaced) log('warn', SEQ_REPLACED)
        seqReplaced = true
      },
    }),
    onWaiting: driver.post,
    onSizeChanged: changed,
    onSettled({ message, delivery, unsequenced, release }) {
      const { reason, state } = delivery
      release?.()
      // First: a listener may ask again with the same id.
      if (reason) {
        requests.rejected(delivery)
        emit('drop', { message, reason })
      } else if (state === 'unknown') requests.unknown(delivery)
      else {
        count('sent')
        if (unsequenced) conversation.sent?.(delivery.id)
      }
      emit('delivery', delivery)
    },
    onRefused: cause => driver.report('NOT_SENT', cause),
  })
  const sequence = outbox.sequence as Sequence

  const channels = createChannelRegistry({
    channels: records,
    call,
    timers,
    notify: (type, names) => conversation[type]?.(names),
    onForgotten: () => driver.forgetPolled(),
    onGap: gap => emit('gap', gap),
    onRecovered: recovery => emit('recovered', recovery),
    onDropped: message => dropped('overflow', message),
  })

  const send = createSend<Outgoing>({
    ttlMs: settings.queue.ttlMs,
    conversation,
    outbox,
    aborts,
    monotonicNow,
    newId: ids.next,
    isFinished: () => finished,
    user: () => users,
    byHand: channels.manual,
  })

  const on = (event: string, ...rest: unknown[]): (() => void) => {
    const [type, listener] = rest.length > 1 ? rest : [undefined, rest[0]]
    if (typeof listener !== 'function') {
      throw new TypeError(`on('${event}'): expected a listener, got ${typeof listener}`)
    }
    if (type === undefined) return events.on(event as 'message', listener as never)
    if (event !== 'message' || typeof type !== 'string') {
      throw new TypeError(
        `on('${event}'): expected only 'message' to have a type, a string, got ${typeof type} beside the listener`,
      )
    }
    return events.on('message', message => {
      if ((message as IncomingEnvelope | null)?.type === type) listener(message)
    })
  }

  const alive = (): void => {
    if (finished) throw error('CLOSED', 'This client was closed for good; create another one')
  }

  const close = (): void => {
    if (finished) return
    // What was sent in this turn still leaves.
    outbox.flush()
    finished = true
    driver.dispatch('disconnectRequested', 'Closed')
    batcher?.flush()
    outbox.rejectAll('closed')
    channels.end()
    for (const each of requests.pending()) each.fail(error('CLOSED', 'The client was closed'))
    timers.end()
    settings.signal?.removeEventListener('abort', close)
    queueMicrotask(() => {
      // The message whose listener has closed it.
      batcher?.flush()
      events.clear()
    })
  }

  /**
   * Another user: empties whatever holds messages or facts of the one before, then tells, then reconnects. `named`: the
   * user before had a name, so that a token string is theirs. The first name is that of the user whose token it is.
   */
  const reset = (named: boolean): void => {
    const user = ++users
    // What was heard already; a listener of it may say that the user is yet another one.
    batcher?.flush()
    if (user !== users) return
    // Nothing of the former user may be left when listeners hear of it: what they send is the next one's.
    outbox.linkClosed()
    conversation.reset?.()
    channels.linkClosed?.()
    channels.reset()
    dedupe?.clear()
    lastMessage = lastMessageAt = null
    pingId = undefined
    driver.forgetError()
    if (named) driver.forgetToken()
    else driver.setToken(undefined)
    const asked = requests.pending()
    outbox.rejectAll('identity')
    // What was applied, and whose answer is not the next user's to hear.
    for (const each of asked) each.fail(error('UNKNOWN', 'The user has changed'))
    if (user !== users) return
    changed()
    emit('reset', undefined)
    if (user === users) driver.dispatch('outdated', 'Identity changed')
  }

  const client: ResilientWebSocket<Incoming, Outgoing> = {
    get status() {
      return driver.state.status
    },
    get isConnected() {
      return driver.state.status === 'OPEN'
    },
    get error() {
      return driver.error
    },
    get lastMessage() {
      return lastMessage
    },
    get stateHistory() {
      return driver.history
    },
    get connectionDuration() {
      const { connectedAt } = driver
      return connectedAt === null ? 0 : Math.max(0, now() - connectedAt)
    },
    getSnapshot: snapshots.get,
    onChange: (listener, { messages = true } = {}) =>
      events.on(messages ? 'change' : 'otherChange', listener),
    on,
    connect() {
      alive()
      driver.dispatch('connectRequested')
    },
    disconnect() {
      outbox.flush()
      driver.dispatch('disconnectRequested', 'Disconnect requested')
    },
    reconnect() {
      alive()
      outbox.flush()
      driver.dispatch('reconnectRequested', 'Reconnect requested')
    },
    close,
    send: (message, options) => send(message, options),
    request(message, { timeoutMs = 10_000, signal } = {}) {
      try {
        if (!(timeoutMs >= 0)) {
          throw new RangeError(`request.timeoutMs: expected a number >= 0, got ${timeoutMs}`)
        }
        let answer: Promise<Incoming> | undefined
        const ttlMs = Math.min(timeoutMs, settings.queue.ttlMs)
        // It waits before it is sent: what a listener does meanwhile has to reach it.
        const { reason } = send(
          message,
          { ttlMs, ...(signal && { signal }) },
          ({ delivery, takeBack }) => {
            answer = requests.wait(delivery, { timeoutMs, signal, takeBack })
          },
        )
        if (answer) return answer
        // Whoever takes a request back hears of nothing else.
        if (signal?.aborted) throw signal.reason
        throw error('NOT_SENT', `Not sent: ${reason}`)
      } catch (thrown) {
        return Promise.reject(thrown)
      }
    },
    subscribe(...wanted) {
      alive()
      return channels.subscribe(...wanted)
    },
    setIdentity(id) {
      const polls = driver.state.status === 'FALLBACK'
      const named = identity !== undefined
      const another = everUsed || polls || named
      if (id === identity) return
      identity = id
      if (!another) return
      reset(named)
    },
    setToken(token) {
      if (typeof token !== 'string' || !token) {
        throw new TypeError(`setToken: expected a string that is not empty, got ${typeof token}`)
      }
      driver.setToken(token)
      if (ready) tellToken(token)
    },
    metrics: () => ({ ...counts, queued: outbox.size() }) as Metrics,
    [Symbol.dispose]: close,
  }

  if (settings.signal?.aborted) close()
  else {
    settings.signal?.addEventListener('abort', close)
    if (settings.enabled) driver.dispatch('connectRequested')
  }
  return client
}
