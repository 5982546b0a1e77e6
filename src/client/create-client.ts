/** Makes the parts of a client in their order and hands each of them the others. */
import { createConnection } from '../connection/connection.ts'
import { createHeartbeat } from '../connection/heartbeat.ts'
import { createRoundTrips } from '../connection/round-trips.ts'
import type { Settings } from '../options/settings.ts'
import { createWebSocketTransport } from '../transport/websocket.ts'
import type { ResilientWebSocket } from './client-types.ts'
import { createConversation } from './conversation.ts'
import { createFacade } from './facade.ts'
import { createGround } from './ground.ts'
import { createOutgoing } from './outgoing.ts'
import type { Parts } from './parts.ts'
import { readSnapshot, type SnapshotSource } from './read-snapshot.ts'
import { createReceived } from './received.ts'

const NO_HEARTBEAT = { intervalMs: 0, timeoutMs: 0, message: undefined }

/** `settings` are complete and checked. */
export const createClient = <Incoming, Outgoing>(
  settings: Settings<Incoming, Outgoing>,
  parts: Parts,
): ResilientWebSocket<Incoming, Outgoing> => {
  const { heartbeat: rhythm, fallback } = settings
  const ground = createGround(settings, parts)
  const { environment, timers, ids, events, drops, snapshots, faults, onChange } = ground

  const { outbox, requests } = createOutgoing<Incoming, Outgoing>(ground)
  const roundTrips = createRoundTrips({
    environment,
    newId: ids.next,
    onLatency(latencyMs) {
      onChange()
      events.emit('latency', latencyMs)
    },
  })
  const heartbeat = createHeartbeat({
    environment,
    timers,
    roundTrips,
    ...(rhythm || NO_HEARTBEAT),
    onTrusted: outbox.pump,
  })
  const transport = createWebSocketTransport(environment, timers)
  const connection = createConnection({
    ...ground,
    transport,
    heartbeat,
    onStatus(change) {
      events.emit('status', change)
      if (change.to === 'OPEN') events.emit('open', undefined)
    },
    onRetry: retry => events.emit('retry', retry),
    onClose: close => events.emit('close', close),
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
  const flowing = {
    ...ground,
    roundTrips,
    heartbeat,
    connection,
    records,
    channels,
    outbox,
    requests,
  }

  const received = createReceived<Incoming>({
    ...flowing,
    now: environment.now,
    onMessage() {
      // Made anew only for who looks: this is the hot path.
      snapshots.touch()
      events.emitChange(false)
    },
    onBad: error => faults.report('BAD_MESSAGE', error),
  })
  const conversation = createConversation<Incoming, Outgoing>({ ...flowing, received })
  const whole = { ...flowing, received, conversation }
  const { protocol } = conversation
  if (rhythm) {
    const { message } = rhythm
    roundTrips.askWith(protocol.ping ?? (message === undefined ? undefined : () => message))
  }

  connection.serve({
    rules: protocol,
    users: [heartbeat, conversation],
    fallback:
      parts.polling && fallback
        ? parts.polling.createFallback({
            ...flowing,
            settings: fallback,
            webSocketUrl: settings.url,
            contact: protocol.http,
            inbox: parts.polling.createPollInbox(whole),
          })
        : undefined,
    onFrame: conversation.receive,
    onTooLarge: () => outbox.sequence?.suspectLargest(),
    onLeave: received.flush,
  })
  const source = { ...whole, transport } as SnapshotSource<Incoming>
  snapshots.show(() => readSnapshot(source))
  return createFacade(whole)
}
