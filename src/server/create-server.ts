/** `createServer`: makes the parts of a server and hands each the others. */
import type { Position, Publication } from './broker/broker.ts'
import { MemoryBroker } from './broker/memory-broker.ts'
import { requirePublication } from './broker/publication.ts'
import { nodeEnvironment } from './environment.ts'
import { createEntrance } from './http/entrance.ts'
import { createHttpListener } from './http/listen.ts'
import { createHub } from './hub.ts'
import { resolveServerOptions, type ServerOptions } from './options.ts'
import { createServerEmitter, type ServerEvents } from './server-events.ts'
import { type DrainOptions, drainConnections, endConnections } from './shutdown.ts'
import { requireNumber } from './validate.ts'
import { warnOfWorkers } from './worker-warning.ts'

/** A server, as `createServer` makes it. */
export interface ResilientServer {
  /**
   * Begins to listen. Rejects if the port is taken. A `server` of yours that does not listen yet is made to if you
   * gave a `port`; otherwise this waits until it does. Rejects once the server is closed, also meanwhile.
   */
  listen(): Promise<{ readonly port: number; readonly url: string }>
  /**
   * Publishes on a channel, as the data is now; resolves to the position of the message. Rejects while the broker is away and
   * once the server is closed; with a `TypeError` if the channel is not 1 to 128 printable characters without blanks, the type
   * not 1 to 64 characters, or the data no JSON.
   */
  publish(channel: string, publication: Publication): Promise<Position>
  /** Calls a listener for each event; returns a function that ends that. Idempotent. */
  on<Name extends keyof ServerEvents>(
    event: Name,
    listener: (...payload: ServerEvents[Name]) => void,
  ): () => void
  /** The number of WebSocket connections that are open. */
  connections(): number
  /**
   * Asks all clients to leave, then closes those that stay with 1012; resolves when all have left. New ones are refused
   * with 503.
   */
  drain(options?: DrainOptions): Promise<void>
  /** Closes all connections (1001) and timers, at once. Idempotent; afterwards nothing keeps the process alive. */
  close(): Promise<void>
}

/**
 * A server for `resilient-websocket` clients, and for anything that speaks JSON envelopes.
 *
 * ```ts
 * const server = createServer({ port: 3001, allowedOrigins: ['https://example.com'] })
 * await server.listen()
 * await server.publish('AAPL', { type: 'market_data', data: { price: 227.52 } })
 * ```
 *
 * Throws a `TypeError` or `RangeError` that names a bad option. Reads no options from environment variables.
 */
export const createServer = (options: ServerOptions = {}): ResilientServer => {
  const settings = resolveServerOptions(options)
  const { logger } = settings
  const broker = settings.broker ?? new MemoryBroker()
  const environment = nodeEnvironment
  const events = createServerEmitter(logger)
  const listener = createHttpListener(settings)
  const { http } = listener
  let draining = false
  let attaching: Promise<() => Promise<void>> | undefined
  let ended: Promise<void> | undefined

  const hub = createHub({
    settings,
    broker,
    environment,
    async onMessage(message, client) {
      events.emit('message', () => [message, client])
      try {
        return await settings.onMessage?.(message, client)
      } catch (error) {
        events.emitError(error)
        throw error
      }
    },
    onError: events.emitError,
  })
  const { connections, counters } = hub

  const entrance = createEntrance({
    settings,
    broker,
    environment,
    events,
    hub,
    listener,
    isDraining: () => draining,
  })

  const requireOpen = (caller: string): void => {
    if (ended) throw new Error(`${caller}: this server is closed: create another one`)
  }

  const end = async (): Promise<void> => {
    draining = true
    await endConnections({ connections, environment, events })
    // Only now: messages that are being applied are finished first, and their `seq` used up in a broker outside.
    const detach = await attaching?.catch(() => {})
    await detach?.()
    hub.end()
    entrance.end()
    http.off('error', events.fail)
    await listener.close()
  }

  return {
    async listen() {
      requireOpen('listen')
      if (!attaching) warnOfWorkers(broker, logger)
      attaching ??= broker.attach(hub.deliver, hub.onTakeover)
      try {
        await attaching
      } catch (error) {
        attaching = undefined
        throw error
      }
      requireOpen('listen')
      if (!http.listening) {
        await listener.listen(options.port !== undefined)
        requireOpen('listen')
        http.on('error', events.fail)
      }
      return listener.where()
    },
    async publish(channel, publication) {
      requireOpen('publish')
      requirePublication(channel, publication)
      const position = await broker.publish(channel, publication)
      counters.published++
      return position
    },
    on: events.on,
    connections: () => connections.size,
    async drain({ afterMs = 1000, jitterMs = 5000 } = {}) {
      requireNumber('afterMs', afterMs, 0)
      requireNumber('jitterMs', jitterMs, 0)
      draining = true
      await drainConnections({ connections, environment, events }, { afterMs, jitterMs })
    },
    close() {
      ended ??= end()
      return ended
    },
  }
}
