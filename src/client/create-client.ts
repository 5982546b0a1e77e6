/** `createResilientWebSocket`: wires the rooms together. */

import { createSubscriptions } from '../channels/subscriptions.ts'
import { createConnection } from '../connection/connection.ts'
import { createFaults } from '../connection/faults.ts'
import { createHeartbeat } from '../connection/heartbeat.ts'
import type { LinkUser, LiveLink } from '../connection/link-user.ts'
import { createRunLoop } from '../connection/run-loop.ts'
import { createTokenProvider } from '../connection/token-provider.ts'
import { createAborts } from '../delivery/aborts.ts'
import { type Batcher, createBatcher } from '../delivery/batcher.ts'
import { createDedupe } from '../delivery/dedupe.ts'
import type { RejectReason } from '../delivery/delivery.ts'
import { createInbox } from '../delivery/inbox.ts'
import { createOutbox, PLACE_BYTES } from '../delivery/outbox.ts'
import { createRequests } from '../delivery/requests.ts'
import { createSend, sizeOf } from '../delivery/send.ts'
import { createSuppression } from '../delivery/suppression.ts'
import { type ErrorCode, ResilientWebSocketError } from '../errors.ts'
import { createFallback } from '../http/fallback.ts'
import { FALLBACK_RULE } from '../http/fallback-options.ts'
import { CORE_RULES, idOfMessage, readOptions } from '../options/defaults.ts'
import type { ResilientWebSocketOptions } from '../options/options.ts'
import type { Settings } from '../options/settings.ts'
import { envelope, type IncomingEnvelope, type OutgoingEnvelope } from '../protocol/envelope.ts'
import type { Agreement, Protocol } from '../protocol/protocol.ts'
import { createIds } from '../shared/ids.ts'
import { createLog } from '../shared/log.ts'
import { resolveEnvironment } from '../shared/runtime.ts'
import { createTimers } from '../shared/timers.ts'
import type { Frame } from '../transport/transport.ts'
import { createWebSocketTransport } from '../transport/websocket.ts'
import type { ClientEvents, Metrics, ResilientWebSocket } from './client-types.ts'
import { type Call, createEvents } from './emitter.ts'
import { createSnapshots } from './snapshot.ts'

/** A server that wants to be left is left within this time. */
const LONGEST_LEAVE_MS = 3_600_000
const SEQ_REPLACED =
  "A message has a seq of its own, which protocol v1 replaces by the session's; name it otherwise"
const error = (code: ErrorCode, words: string): ResilientWebSocketError =>
  new ResilientWebSocketError(code, words)

/** What a server's refusal means to the sender; any other code is `refused`. */
const REASONS: Readonly<Record<string, RejectReason | undefined>> = {
  BAD_MESSAGE: 'invalid',
  TOO_LARGE: 'invalid',
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN: 'unauthorized',
  // A handler that did not end in time may still go on: nobody knows.
  TIMEOUT: undefined,
}

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
  const settings = readOptions<Settings<Incoming, Outgoing>>(options, {
    ...CORE_RULES,
    fallback: FALLBACK_RULE,
  })
  const { logger, heartbeat: heartbeatRules } = settings
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
  let agreement: Agreement | undefined
  let identity = settings.identity
  let lastMessage: Incoming | null = null
  let lastMessageAt: number | null = null
  /** When the newest frame or poll came: asked for once, however many messages it holds. */
  let arrivedAt = now()
  let largestMessage: number | undefined
  /** What comes was polled. */
  let isPolled = false
  let seqReplaced = false
  const counts: Record<string, number> = {}

  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }

  const log = createLog(logger)
  /** The link that is open. */
  let live: LiveLink | undefined

  const suppression = createSuppression(words => log('warn', words))

  /** Something came that is not delivered. `name`: what it was taken for the same by. */
  const dropped = (reason: string, message: unknown, name?: unknown): void => {
    count(reason)
    if (logger) log('debug', () => `Dropped (${reason}): ${JSON.stringify(message)}`)
    // A poll brings again what has not changed.
    if (!isPolled) suppression.dropped(reason, message, name)
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
    const { status, phase, attempt, maxAttempts } = connection.state
    return {
      status,
      phase,
      attempt,
      maxAttempts,
      nextRetryAt: connection.nextRetryAt,
      error: faults.last,
      lastMessage,
      lastMessageAt,
      connectedAt: connection.connectedAt,
      transport: status === 'OPEN' ? 'websocket' : status === 'FALLBACK' ? 'polling' : null,
      queued: outbox.size(),
      latencyMs: heartbeat.latencyMs,
      sessionId: conversation.sessionId?.() ?? null,
    }
  })

  /** Something may have changed. */
  const changed = (): void => {
    if (!snapshots.changed()) return
    events.emit('change', undefined)
    events.emit('otherChange', undefined)
  }

  const loop = createRunLoop(changed)
  const faults = createFaults(
    loop,
    () => connection.state.status === 'FALLBACK',
    failure => emit('error', failure),
  )
  const token = createTokenProvider(settings.token)
  const { dedupe: dedupeRules, batch } = settings
  const dedupe = dedupeRules
    ? createDedupe(dedupeRules.size, dedupeRules.ttlMs, () => arrivedAt)
    : undefined
  const emitBatch = (messages: readonly Incoming[]): void => emitMessages('batch', messages)
  const batcher: Batcher<Incoming> = batch
    ? createBatcher<Incoming>(batch, timers, emitBatch)
    : { add: message => emitBatch([message]), flush() {} }

  const accept = createInbox<Incoming>({
    schema: settings.schema,
    key: dedupeRules ? dedupeRules.key : () => undefined,
    ownKey: dedupeRules !== false && dedupeRules.key !== idOfMessage,
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
      if (channel) subscriptions.deliver(channel, message)
      if (users !== heardAs) return
      requests.answer(answers ?? replyTo, message)
      batcher.add(message)
    },
    dropped,
    bad: thrown => faults.report('BAD_MESSAGE', thrown),
  })

  const aborts = createAborts()
  const requests = createRequests<Incoming>(timers, aborts, monotonicNow)

  const heartbeat = createHeartbeat({
    environment,
    timers,
    ...(heartbeatRules || { intervalMs: 0, timeoutMs: 0 }),
    newId: ids.next,
    onLatency(latencyMs) {
      changed()
      emit('latency', latencyMs)
    },
    onTrusted: () => outbox.pump(),
  })

  /** Writes past queue and rate; a link that refuses is about to end anyway. */
  const reply = (frame: Frame): void => {
    try {
      live?.send(frame)
    } catch {}
  }

  const gap = (channel: string, reason: string): void => {
    emit('gap', { channel, reason })
    subscriptions.gap({ channel, reason })
  }

  const conversation = protocol.attach({
    ...environment,
    timers,
    token: () => (toldToken = token.current()),
    proved(agreed) {
      agreement = agreed
      live?.ready(agreed)
    },
    fail: (reason, timedOut) => live?.fail(reason, { timedOut: timedOut === true }),
    refuse: (message, hint) => connection.refuse(message, hint),
    newId: ids.next,
    secret: ids.secret,
    reply,
    control: frame => outbox.control(frame),
    message: accept,
    dropped,
    error: faults.report,
    pong: heartbeat.onPong,
    terms({ intervalMs, timeoutMs, ratePerSecond, maxPayload }) {
      heartbeat.retune(intervalMs, timeoutMs)
      largestMessage = maxPayload
      outbox.limit(ratePerSecond, maxPayload)
      changed()
    },
    slowDown(delayMs) {
      outbox.pause(delayMs)
      subscriptions.repeat()
    },
    refused(id, code, words) {
      const facts = code === 'UNAUTHORIZED' ? ({ hint: 'login' } as const) : undefined
      const error = new ResilientWebSocketError(code, words, undefined, facts)
      requests.refuse(id, error)
      faults.report(code, error)
    },
    leave: afterMs =>
      timers.set('leave', Math.min(afterMs, LONGEST_LEAVE_MS), () =>
        connection.dispatch('outdated', 'Server asked to reconnect'),
      ),
    channels: () => subscriptions.channels(),
    wants: channel => subscriptions.has(channel),
    confirmed: channel => subscriptions.confirm(channel),
    denied: channel => subscriptions.deny(channel),
    gap,
    recovered(channel, replayed) {
      emit('recovered', { channel, replayed })
      subscriptions.recovered({ channel, replayed })
    },
    acked: seq => outbox.acked(seq),
    refusedAt: (seq, code) =>
      outbox.refuse(seq, Object.hasOwn(REASONS, code) ? REASONS[code] : 'refused'),
    sessionLost: () => outbox.lost(),
    waiting: () => outbox.waiting(),
    prepare: () => outbox.prepare(),
    take: () => outbox.take(),
    untaken: () => outbox.close(),
  })

  const tellToken = (token: string | undefined): void => {
    toldToken = token
    if (token && conversation.auth) outbox.control(conversation.auth(token))
  }

  if (heartbeatRules) {
    const { message } = heartbeatRules
    heartbeat.askWith(conversation.ping ?? (message === undefined ? undefined : () => message))
  }

  const polling = settings.fallback
    ? createFallback({
        ...settings.fallback,
        settings: settings as never,
        environment,
        timers,
        log,
        token,
        channels: () => subscriptions.channels(),
        since: channel => conversation.since?.(channel),
        polled(message) {
          arrivedAt = now()
          everUsed = true
          followed ??= false
          isPolled = true
          if (conversation.deliver) conversation.deliver(message)
          else accept(message as Incoming)
          isPolled = false
        },
        interpret(body) {
          everUsed = true
          const messages = conversation.polled?.(body)
          followed ??= messages !== undefined
          return messages
        },
        answered: poll => emit('poll', poll),
        pending: () => conversation.posts?.() ?? conversation.post !== undefined,
        prepare: unsure => conversation.prepare?.(unsure),
        outgoing: unsure => conversation.post?.(unsure),
        posted(answer) {
          arrivedAt = now()
          return conversation.posted?.(answer) ?? true
        },
        tooMuch: () => outbox.takeLess(),
      })
    : undefined

  const outbox = createOutbox<Outgoing>({
    ...settings.queue,
    environment,
    timers,
    write(frame) {
      if (!live) throw new Error('There is no link')
      live.send(frame)
    },
    writable: heartbeat.isTrustworthy,
    bufferedBytes: () => live?.bufferedBytes() ?? 0,
    post: () => polling?.post(),
    settled({ message, delivery, unplaced, release }) {
      const { reason, state } = delivery
      release()
      // First: a listener may ask again with the same id.
      if (reason) {
        requests.rejected(delivery)
        emit('drop', { message, reason })
      } else if (state === 'unknown') requests.unknown(delivery)
      else {
        count('sent')
        if (unplaced) conversation.sent?.(delivery.id)
      }
      emit('delivery', delivery)
      changed()
    },
    refused: cause => faults.report('NOT_SENT', cause),
    seqReplaced() {
      if (!seqReplaced) log('warn', SEQ_REPLACED)
      seqReplaced = true
    },
  })

  /** In as many frames as the server's `maxPayload` asks for. */
  const tell = (type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void => {
    const frame = conversation.tell?.(type, channels)
    if (!frame) return
    const half = channels.length >> 1
    if (!half || !largestMessage || sizeOf(frame) <= largestMessage) return outbox.control(frame)
    tell(type, channels.slice(0, half))
    tell(type, channels.slice(half))
  }

  const subscriptions = createSubscriptions<Incoming>({
    call,
    user: () => users,
    tell,
    forget(channel) {
      conversation.forget?.(channel)
      polling?.anew()
    },
    soon: (name, run) => timers.set(name, 0, run),
    overflow: gap => emit('gap', gap),
    dropped: message => dropped('overflow', message),
  })

  const send = createSend<Outgoing>({
    ttlMs: settings.queue.ttlMs,
    conversation,
    outbox,
    aborts,
    monotonicNow,
    newId: ids.next,
    largest: () => largestMessage && Math.max(0, largestMessage - (agreement ? PLACE_BYTES : 0)),
    isFinished: () => finished,
    user: () => users,
    byHand: subscriptions.byHand,
    changed,
  })

  const conversationUser: LinkUser = {
    linkOpened(link) {
      live = link
      everUsed = true
      conversation.opened()
    },
    linkReady() {
      ready = true
      // Where nobody can know what was missed: one of the two sides of it had no positions.
      const unknown = followed === false || (followed && !agreement)
      followed = agreement !== undefined
      if (unknown) {
        emit('gap', { reason: 'reconnected' })
        // With positions each channel has its own word, once the server has said where it goes on.
        for (const channel of agreement ? [] : subscriptions.channels()) {
          subscriptions.gap({ channel, reason: 'reconnected' })
        }
        // A listener may have ended the link: nothing may open for it any more.
        if (!ready) return
      }
      const current = token.current()
      if (current !== toldToken) tellToken(current)
      // Before the queue opens, so that channels go before the first message.
      subscriptions.open(agreement?.told ?? [], agreement !== undefined)
      outbox.open(agreement?.maxInFlight)
      outbox.pump()
    },
    linkClosed() {
      live = undefined
      ready = false
      timers.clear('leave')
      conversation.closed()
      subscriptions.close()
      outbox.close()
    },
  }

  const connection = createConnection({
    settings: settings as never,
    environment,
    timers,
    log,
    loop,
    faults,
    token,
    transport: createWebSocketTransport(environment, timers),
    heartbeat,
    rules: {},
    users: [heartbeat, conversationUser],
    fallback: polling,
    onStatus(change) {
      emit('status', change)
      if (change.to === 'OPEN') emit('open', undefined)
    },
    onRetry: retry => emit('retry', retry),
    onClose: close => emit('close', close),
    onFrame(payload, at) {
      arrivedAt = at
      conversation.receive(payload)
    },
    onLeave: () => batcher.flush(),
    onTooLarge: () => outbox.refuseLargest(),
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
    finished = true
    connection.dispatch('closeRequested', 'Closed')
    batcher.flush()
    outbox.rejectAll('closed')
    subscriptions.end()
    for (const each of requests.pending()) each.fail(error('CLOSED', 'The client was closed'))
    timers.end()
    settings.signal?.removeEventListener('abort', close)
    queueMicrotask(() => {
      // The message whose listener has closed it.
      batcher.flush()
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
    batcher.flush()
    if (user !== users) return
    // Nothing of the former user may be left when listeners hear of it: what they send is the next one's.
    outbox.close()
    conversation.renew?.()
    subscriptions.close()
    subscriptions.reset()
    dedupe?.clear()
    lastMessage = lastMessageAt = null
    heartbeat.reset()
    if (connection.state.status !== 'ERROR') faults.clear()
    if (named) token.forget()
    else token.set(undefined)
    const asked = requests.pending()
    outbox.rejectAll('identity')
    // What was applied, and whose answer is not the next user's to hear.
    for (const each of asked) each.fail(error('UNKNOWN', 'The user has changed'))
    if (user !== users) return
    changed()
    emit('reset', undefined)
    if (user === users) connection.dispatch('outdated', 'Identity changed')
  }

  const client: ResilientWebSocket<Incoming, Outgoing> = {
    get status() {
      return connection.state.status
    },
    get isConnected() {
      return connection.state.status === 'OPEN'
    },
    get error() {
      return faults.last
    },
    get lastMessage() {
      return lastMessage
    },
    get stateHistory() {
      return connection.history
    },
    get connectionDuration() {
      const { connectedAt } = connection
      return connectedAt === null ? 0 : Math.max(0, now() - connectedAt)
    },
    getSnapshot: snapshots.get,
    onChange: (listener, { messages = true } = {}) =>
      events.on(messages ? 'change' : 'otherChange', listener),
    on,
    connect() {
      alive()
      connection.dispatch('connectRequested')
    },
    disconnect: () => connection.dispatch('disconnectRequested', 'Disconnect requested'),
    reconnect() {
      alive()
      connection.dispatch('reconnectRequested', 'Reconnect requested')
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
      return subscriptions.subscribe(...wanted)
    },
    setIdentity(id) {
      const polls = connection.state.status === 'FALLBACK'
      const named = identity !== undefined
      const another = everUsed || polls || named
      if (id === identity) return
      identity = id
      if (!another) return
      reset(named)
    },
    setToken(next) {
      if (typeof next !== 'string' || !next) {
        throw new TypeError(`setToken: expected a string that is not empty, got ${typeof next}`)
      }
      token.set(next)
      if (ready) tellToken(next)
    },
    metrics: () => ({ ...counts, queued: outbox.size() }) as Metrics,
    [Symbol.dispose]: close,
  }

  if (settings.signal?.aborted) close()
  else {
    settings.signal?.addEventListener('abort', close)
    if (settings.enabled) connection.dispatch('connectRequested')
  }
  return client
}
