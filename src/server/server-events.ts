/** The events of a server, and how its listeners are called. */
import { EventEmitter } from 'node:events'
import type { WireMessage } from '../protocol/wire-types.ts'
import { forLog, type ServerLogger } from './logging.ts'
import type { ServerClient } from './options.ts'

/** The events of a server. An error that a listener throws, also an async one, becomes an `error` event. */
export interface ServerEvents {
  /** A client has connected; it may still have to authenticate. */
  connection: [client: ServerClient]
  /** The connection of a client is closed. */
  disconnection: [client: ServerClient]
  /** An application message came, also where there is an `onMessage`. */
  message: [message: WireMessage, client: ServerClient]
  /** Something failed that the server survives. Without a listener it is only logged. */
  error: [error: Error]
}

export interface ServerEmitter {
  /** Calls a listener for each event; returns a function that ends that. Idempotent. */
  on<Name extends keyof ServerEvents>(
    event: Name,
    listener: (...payload: ServerEvents[Name]) => void,
  ): () => void
  /** Calls the listeners. `payload` is made only where there are any. */
  emit<Name extends keyof ServerEvents>(event: Name, payload: () => ServerEvents[Name]): void
  /** Emits an error that is logged already. */
  emitError(error: unknown): void
  /** Logs an error and emits it. */
  fail(error: unknown): void
}

type Listener = (...payload: readonly unknown[]) => unknown

/** Calls a listener, which may also be async. */
const callListener = (
  listener: Listener,
  payload: readonly unknown[],
  onError: (error: unknown) => void,
): void => {
  try {
    const result = listener(...payload)
    if (result instanceof Promise) result.catch(onError)
  } catch (error) {
    onError(error)
  }
}

export const createServerEmitter = (logger: Partial<ServerLogger>): ServerEmitter => {
  const events = new EventEmitter()
  const log = (error: unknown): void => logger.error?.(forLog(error))

  // Neither a missing listener nor one that throws may end the process, as `EventEmitter.emit('error')` would.
  const emitError = (error: unknown): void => {
    for (const listener of events.listeners('error'))
      callListener(listener as Listener, [error], log)
  }

  const fail = (error: unknown): void => {
    log(error)
    emitError(error)
  }

  return {
    on(event, listener) {
      events.on(event, listener)
      return () => void events.off(event, listener)
    },
    emit(event, payload) {
      const listeners = events.listeners(event)
      if (!listeners.length) return
      const given = payload()
      for (const listener of listeners) callListener(listener as Listener, given, fail)
    },
    emitError,
    fail,
  }
}
