/** How the connections of a server end: asked to leave one after the other, or all at once. */
import { setTimeout as wait } from 'node:timers/promises'
import { CLOSE_GOING_AWAY, CLOSE_RESTART } from './close-codes.ts'
import type { Connection } from './connection/connection.ts'
import { createServerTimers, type ServerEnvironment } from './environment.ts'
import type { ServerEmitter } from './server-events.ts'

/** Options of `server.drain()`. Negative values throw a `RangeError`. */
export interface DrainOptions {
  /** How long clients may stay at least, in ms. @default 1000 */
  afterMs?: number
  /**
   * The time after that over which they leave, in ms. A client with a session draws its moment by itself, and is closed at
   * the end if it has not left; others do not know the request, and are closed one after the other. @default 5000
   */
  jitterMs?: number
}

export interface ShutdownDeps {
  readonly connections: ReadonlySet<Connection>
  readonly environment: ServerEnvironment
  readonly events: ServerEmitter
}

/** How long a client may take to answer a close frame. */
const CLOSE_GRACE_MS = 500

const RESTART = 'The server restarts'

/** Resolves when no connection is left, or after so long. */
const allClosed = async (
  { connections, events }: ShutdownDeps,
  withinMs: number,
): Promise<void> => {
  if (!connections.size) return
  const cancel = new AbortController()
  const stop = events.on('disconnection', () => {
    if (!connections.size) cancel.abort()
  })
  await wait(withinMs, undefined, cancel).catch(() => {})
  stop()
}

/** Asks all clients to leave, closes those that stay, and resolves when all have left. */
export const drainConnections = async (
  deps: ShutdownDeps,
  { afterMs, jitterMs }: Required<DrainOptions>,
): Promise<void> => {
  const { connections, environment } = deps
  const timers = createServerTimers(environment)
  for (const connection of connections) {
    connection.send('reconnect', { afterMs, jitterMs, reason: RESTART })
    // A client with a session draws its own moment to leave; for the others it is drawn here.
    const share = connection.hasSession() ? 1 : environment.random()
    timers.set(connection.id, afterMs + share * jitterMs, () =>
      connection.close(CLOSE_RESTART, RESTART),
    )
  }
  await allClosed(deps, afterMs + jitterMs + CLOSE_GRACE_MS)
  timers.clearAll()
}

/** Closes all connections, and destroys those whose client does not answer. */
export const endConnections = async (deps: ShutdownDeps): Promise<void> => {
  const { connections } = deps
  for (const connection of connections) {
    connection.close(CLOSE_GOING_AWAY, 'The server is going away')
  }
  await allClosed(deps, CLOSE_GRACE_MS)
  for (const connection of connections) connection.terminate()
  await allClosed(deps, CLOSE_GRACE_MS)
}
