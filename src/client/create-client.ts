/** Makes the parts of a client in their order and hands each of them the others. */
import { type Connection, createConnection } from '../connection/connection.ts'
import { createHeartbeat } from '../connection/heartbeat.ts'
import { createRunLoop } from '../connection/run-loop.ts'
import { createTokenProvider } from '../connection/token-provider.ts'
import { createAborts } from '../delivery/aborts.ts'
import { createOutbox } from '../delivery/outbox.ts'
import type { QueuedMessage } from '../delivery/send-queue.ts'
import type { Settings } from '../options/settings.ts'
import { createIds } from '../shared/ids.ts'
import { createLog } from '../shared/log.ts'
import { resolveEnvironment } from '../shared/runtime.ts'
import { createTimers } from '../shared/timers.ts'
import { createWebSocketTransport } from '../transport/websocket.ts'
import type { ResilientWebSocket } from './client-types.ts'
import { createConversation } from './conversation.ts'
import { createDrops } from './drops.ts'
import { createFacade } from './facade.ts'
import type { Parts } from './parts.ts'
import { createPollInbox } from './poll-inbox.ts'
import { createPublicEvents } from './public-events.ts'
import { createReceived } from './received.ts'
import { createSnapshots } from './snapshot.ts'
import type { User } from './user.ts'

const SEQ_REPLACED =
  "A message has a seq of its own, which protocol v1 replaces by the session's; name it otherwise"
const NO_HEARTBEAT = { intervalMs: 0, timeoutMs: 0, message: undefined }

/** `settings` are complete and checked. */
export const createClient = <Incoming, Outgoing>(
  settings: Settings<Incoming, Outgoing>,
  parts: Parts,
): ResilientWebSocket<Incoming, Outgoing> => {
  const { heartbeat: rhythm, queue } = settings
  const spoken = settings.protocol as NonNullable<typeof settings.protocol>
  const environment = resolveEnvironment(settings.environment)
  const timers = createTimers(environment)
  const ids = createIds(environment)
  const log = createLog(settings.logger)
  const aborts = createAborts()
  const user: User = { generation: 0, identity: settings.identity, wasShown: false }
  const events = createPublicEvents<Incoming, Outgoing>(log, user)
  const drops = createDrops(log, events.count)
  const snapshots = createSnapshots<Incoming>()

  const onChange = (): void => {
    if (snapshots.changed()) events.emitChange(true)
  }
  const loop = createRunLoop(onChange)
  const token = createTokenProvider(settings.token)

  const requests = parts.requests?.createRequests<Incoming>(
    timers,
    aborts,
    environment.monotonicNow,
  )
  let isSeqReplaced = false

  const outbox = createOutbox<Outgoing>({
    ...queue,
    environment,
    timers,
    sequence: parts.sessions?.createSequence({
      ...queue,
      onSeqReplaced() {
        if (!isSeqReplaced) log('warn', SEQ_REPLACED)
        isSeqReplaced = true
      },
    }),
    acks: spoken.acks ? { ...queue, resends: spoken.resends === true } : undefined,
    onSizeChanged: onChange,
    onSettled({ message, delivery, release }: QueuedMessage<Outgoing>) {
      const { reason, state } = delivery
      release?.()
      // First: a listener may ask again with the same id.
      if (reason) {
        requests?.rejected(delivery)
        events.emit('drop', { message, reason })
      } else if (state === 'unknown') requests?.unknown(delivery)
      else events.count('sent')
      events.emit('delivery', delivery)
    },
    onRefused: cause => connection.faults.report('NOT_SENT', cause),
  })

  const heartbeat = createHeartbeat({
    environment,
    timers,
    ...(rhythm || NO_HEARTBEAT),
    newId: ids.next,
    onLatency(latencyMs) {
      onChange()
      events.emit('latency', latencyMs)
    },
    onTrusted: outbox.pump,
  })

  const transport = createWebSocketTransport(environment, timers)
  const connection: Connection = createConnection({
    settings,
    environment,
    timers,
    log,
    loop,
    token,
    transport,
    heartbeat,
    onStatus(change) {
      events.emit('status', change)
      if (change.to === 'OPEN') events.emit('open', undefined)
    },
    onError: error => events.emit('error', error),
    onRetry: retry => events.emit('retry', retry),
    onClose: close => events.emit('close', close),
    onLeave: () => received.flush(),
  })

  const records = (parts.subscriptions ?? parts.sessions)?.createChannels()
  const channels =
    records &&
    parts.subscriptions?.createChannelRegistry({
      channels: records,
      call: events.call,
      timers,
      onGap: gap => events.emit('gap', gap),
      onRecovered: recovery => events.emit('recovered', recovery),
      onDropped: message => drops.drop('overflow', message),
    })

  const received = createReceived<Incoming>({
    settings,
    timers,
    log,
    events,
    user,
    drops,
    channels,
    requests,
    now: environment.now,
    onMessage() {
      // Made anew only for who looks: this is the hot path.
      snapshots.touch()
      events.emitChange(false)
    },
    onBad: error => connection.faults.report('BAD_MESSAGE', error),
  })

  const conversation = createConversation<Incoming, Outgoing>({
    protocol: spoken,
    environment,
    timers,
    ids,
    events,
    user,
    token,
    heartbeat,
    connection,
    records,
    channels,
    outbox,
    requests,
    received,
    drops,
    sessions: parts.sessions,
    onChange,
  })
  const { protocol } = conversation
  if (rhythm) {
    const { message } = rhythm
    heartbeat.askWith(protocol.ping ?? (message === undefined ? undefined : () => message))
  }

  connection.serve({
    rules: protocol,
    users: [heartbeat, conversation],
    fallback:
      parts.polling && settings.fallback
        ? parts.polling.createFallback({
            settings: settings.fallback,
            webSocketUrl: settings.url,
            environment,
            timers,
            log,
            token,
            channels,
            outbox,
            contact: protocol.http,
            inbox: createPollInbox({
              events,
              user,
              drops,
              received,
              conversation,
              now: environment.now,
            }),
          })
        : undefined,
    onFrame: conversation.receive,
    onTooLarge: () => outbox.sequence?.suspectLargest(),
  })

  snapshots.show(() => {
    const { status, phase, attempt, maxAttempts } = connection.state
    return {
      status,
      phase,
      attempt,
      maxAttempts,
      nextRetryAt: connection.nextRetryAt,
      error: connection.faults.last,
      lastMessage: received.last,
      lastMessageAt: received.lastAt,
      connectedAt: connection.connectedAt,
      transport: status === 'OPEN' ? transport.name : status === 'FALLBACK' ? 'polling' : null,
      queued: outbox.size(),
      latencyMs: heartbeat.latencyMs,
      sessionId: protocol.sessionId?.() ?? null,
    }
  })

  return createFacade({
    settings,
    environment,
    timers,
    ids,
    aborts,
    events,
    user,
    snapshots,
    token,
    heartbeat,
    connection,
    records,
    channels,
    outbox,
    requests,
    received,
    conversation,
    onChange,
  })
}
