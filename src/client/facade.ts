/** A client as its user sees it: its methods, and its end. */
import type { Channels } from '../channels/channel.ts'
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Aborts } from '../delivery/aborts.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { createSend } from '../delivery/send.ts'
import type { Settings } from '../options/settings.ts'
import type { Ids } from '../shared/ids.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { channelRefusal } from './channel-messages.ts'
import type { ClientConversation } from './client-conversation.ts'
import type { ResilientWebSocket } from './client-types.ts'
import { type IdentityDeps, setIdentity } from './identity.ts'
import { createLifetime } from './lifetime.ts'
import { missingPart, type Parts } from './parts.ts'
import type { PublicEvents } from './public-events.ts'
import type { Received } from './received.ts'
import type { Snapshots } from './snapshot.ts'

export interface FacadeDeps<Incoming, Outgoing>
  extends Pick<
    IdentityDeps,
    'user' | 'connection' | 'faults' | 'token' | 'roundTrips' | 'onChange'
  > {
  readonly settings: Settings<Incoming, Outgoing>
  readonly parts: Parts
  readonly environment: Environment
  readonly timers: Timers
  readonly ids: Ids
  readonly aborts: Aborts
  readonly events: PublicEvents<Incoming, Outgoing>
  readonly snapshots: Snapshots<Incoming>
  readonly records: Channels | undefined
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<Outgoing>
  readonly requests: Requests<Incoming> | undefined
  readonly received: Received<Incoming>
  readonly conversation: ClientConversation<Incoming, Outgoing>
}

const notSpoken = (name: string, protocol: string, what: string): TypeError =>
  new TypeError(`${name}: expected a protocol with ${what}, such as json(), got ${protocol}`)

export const createFacade = <Incoming, Outgoing>(
  deps: FacadeDeps<Incoming, Outgoing>,
): ResilientWebSocket<Incoming, Outgoing> => {
  const { settings, environment, events, snapshots, token, connection } = deps
  const { records, channels, outbox, requests, received, conversation } = deps
  const { protocol } = conversation
  const { protocol: spoken } = settings
  const { isFinished, checkAlive, close } = createLifetime(deps as never)

  const send = createSend<Outgoing>({
    ttlMs: settings.queue.ttlMs,
    conversation: protocol as never,
    outbox,
    aborts: deps.aborts,
    monotonicNow: environment.monotonicNow,
    newId: deps.ids.next,
    isFinished,
    user: deps.user,
    channels,
    channelRefusal: name => records && channelRefusal(records, name),
  })

  const request =
    requests && deps.parts.requests?.createRequest(send, requests, settings.queue.ttlMs)

  const client: ResilientWebSocket<Incoming, Outgoing> = {
    get status() {
      return connection.state.status
    },
    get isConnected() {
      return connection.state.status === 'OPEN'
    },
    get error() {
      return deps.faults.last
    },
    get lastMessage() {
      return received.last
    },
    get stateHistory() {
      return connection.history
    },
    get connectionDuration() {
      const { connectedAt } = connection
      return connectedAt === null ? 0 : Math.max(0, environment.now() - connectedAt)
    },
    getSnapshot: snapshots.get,
    onChange: events.onChange,
    on: events.on,
    connect() {
      checkAlive()
      connection.dispatch('connectRequested')
    },
    disconnect() {
      outbox.flush()
      connection.dispatch('disconnectRequested', 'Disconnect requested')
    },
    reconnect() {
      checkAlive()
      outbox.flush()
      connection.dispatch('reconnectRequested', 'Reconnect requested')
    },
    close,
    send: (message, options) => send(message, options),
    request(message, options) {
      if (!request) throw missingPart('request', 'requests')
      if (!spoken?.replies) throw notSpoken('request', `${spoken?.name}`, 'replies')
      return request(message, options)
    },
    subscribe(...given) {
      if (!channels) throw missingPart('subscribe', 'subscriptions')
      if (!spoken?.channels) throw notSpoken('subscribe', `${spoken?.name}`, 'channels')
      checkAlive()
      return channels.subscribe(...given)
    },
    setIdentity: identity => setIdentity({ ...deps, protocol } as never, identity),
    setToken(next) {
      if (typeof next !== 'string' || !next) {
        throw new TypeError(`setToken: expected a string that is not empty, got ${typeof next}`)
      }
      token.set(next)
      conversation.refreshToken(next)
    },
    metrics: () => ({ ...events.counts, queued: outbox.size() }),
    [Symbol.dispose]: close,
  }

  if (settings.signal?.aborted) close()
  else if (settings.enabled) connection.dispatch('connectRequested')
  return client
}
