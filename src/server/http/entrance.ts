/** All ways into a server: upgrades to a WebSocket, polls, POSTs, health and metrics. */
import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { Broker } from '../broker/broker.ts'
import type { Authenticate } from '../connection/authentication.ts'
import type { ServerEnvironment } from '../environment.ts'
import type { Hub } from '../hub.ts'
import { identityOf } from '../identity.ts'
import { metricsOf, renderMetrics } from '../metrics.ts'
import type { Identity, ServerSettings } from '../options.ts'
import type { ServerEmitter } from '../server-events.ts'
import { addressOf } from './address.ts'
import { createDeadlines } from './deadlines.ts'
import type { HttpListener } from './listen.ts'
import { handleRequest, isAnswered, type RouteDeps } from './routes.ts'
import { joinServer } from './shared-http-server.ts'
import { createUpgrades } from './upgrade.ts'
import { listenTo, WsSocket } from './web-socket.ts'

export interface EntranceDeps {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly events: ServerEmitter
  readonly hub: Hub
  readonly listener: HttpListener
  isDraining(): boolean
}

export interface Entrance {
  /** Answers nothing any more, and clears all timers. Idempotent. */
  end(): void
}

/** Without the option `authenticate` no token is checked, and no connection needs to keep its request. */
const refuseAll: Authenticate = async () => null

/** Makes a connection of each WebSocket that is open. */
const createOnOpen =
  (
    { settings, hub, events }: EntranceDeps,
    authenticate: (request: IncomingMessage, token: string) => Promise<Identity | null>,
  ) =>
  (webSocket: WebSocket, request: IncomingMessage, identity: Identity | null): void => {
    const { logger } = settings
    const connection = hub.connect(new WsSocket(webSocket), {
      address: addressOf(settings, request),
      identity,
      authenticate: settings.authenticate ? token => authenticate(request, token) : refuseAll,
    })
    listenTo(webSocket, connection, logger, closed => {
      hub.disconnect(closed)
      logger.info?.(`Client ${closed.id} disconnected`)
      events.emit('disconnection', () => [closed.client])
    })
    logger.info?.(`Client ${connection.id} connected`)
    events.emit('connection', () => [connection.client])
  }

export const createEntrance = (deps: EntranceDeps): Entrance => {
  const { settings, broker, environment, events, hub, listener, isDraining } = deps
  const { connections, counters } = hub
  const deadlines = createDeadlines(environment)

  const authenticate = async (
    request: IncomingMessage,
    token: string,
  ): Promise<Identity | null> => {
    const answer = Promise.resolve(settings.authenticate?.({ request, token }))
    const given = await deadlines.settle(answer, settings.authTimeoutMs, 'authenticate')
    return identityOf(given, environment.now())
  }

  const upgrades = createUpgrades({
    settings,
    deadlines,
    isDraining,
    authenticate,
    onOpen: createOnOpen(deps, authenticate),
    onError: events.fail,
  })

  const routes: RouteDeps = {
    settings,
    broker,
    environment,
    counters,
    deadlines,
    timeLimits: hub.timeLimits,
    postMessages: hub.postMessages,
    mayPoll: hub.mayPoll,
    isDraining,
    boundAddress: listener.boundAddress,
    metrics: () =>
      renderMetrics(
        metricsOf(counters, {
          connections: connections.size,
          ...hub.sizes(),
          draining: isDraining(),
          startedAtSeconds: environment.now() / 1000 - process.uptime(),
        }),
      ),
    authenticate,
    onError: events.emitError,
  }

  const leaveServer = joinServer(listener.http, {
    path: settings.path,
    answers: request => isAnswered(settings, request),
    request: (request, response) => handleRequest(routes, request, response),
    upgrade: upgrades.handle,
    refuse: upgrades.refuse,
  })

  return {
    end() {
      leaveServer()
      deadlines.end()
      upgrades.end()
    },
  }
}
