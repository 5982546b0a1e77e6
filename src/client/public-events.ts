/** The events of a client, counted, and the calls of its listeners, whose exceptions disturb nothing else. */
import type { Call } from '../shared/call.ts'
import type { Log } from '../shared/log.ts'
import type { ClientEvents, MessageOf, MessageType } from './client-types.ts'
import { createEvents } from './emitter.ts'
import type { User } from './user.ts'

type Changes = { change: undefined; otherChange: undefined }

export interface PublicEvents<Incoming, Outgoing> {
  /** Counters since creation, by name. */
  readonly counts: Readonly<Record<string, number>>
  readonly call: Call
  count(name: string): void
  emit<Name extends keyof ClientEvents<Incoming, Outgoing>>(
    name: Name,
    payload: ClientEvents<Incoming, Outgoing>[Name],
  ): void
  /** Messages of one user: once a listener has changed the user, the others hear nothing of them. */
  emitMessages<Name extends 'message' | 'batch'>(
    name: Name,
    payload: ClientEvents<Incoming, Outgoing>[Name],
  ): void
  /** The snapshot differs, in more than its last message where `isOther`. */
  emitChange(isOther: boolean): void
  on(event: string, ...rest: unknown[]): () => void
  onChange(listener: () => void, options?: { readonly messages?: boolean }): () => void
  /** Forgets every listener. */
  clear(): void
}

export const createPublicEvents = <Incoming, Outgoing>(
  log: Log,
  user: User,
): PublicEvents<Incoming, Outgoing> => {
  const counts: Record<string, number> = {}

  const call: Call = (listener, ...payload) => {
    try {
      listener(...payload)
    } catch (error) {
      log('error', () => `A listener threw: ${String(error)}`)
      queueMicrotask(() => {
        if (!globalThis.reportError) throw error
        reportError(error)
      })
    }
  }
  const events = createEvents<ClientEvents<Incoming, Outgoing> & Changes>(call)

  const count = (name: string): void => {
    counts[name] = (counts[name] ?? 0) + 1
  }

  return {
    counts,
    call,
    count,
    emit(name, payload) {
      count(name)
      events.emit(name, payload as never)
    },
    emitMessages(name, payload) {
      count(name)
      const { generation } = user
      events.emit(name, payload as never, () => user.generation !== generation)
    },
    emitChange(isOther) {
      events.emit('change', undefined)
      if (isOther) events.emit('otherChange', undefined)
    },
    on(event, ...rest) {
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
        if ((message as { readonly type?: unknown } | null)?.type === type) {
          listener(message as MessageOf<Incoming, MessageType<Incoming>>)
        }
      })
    },
    onChange: (listener, { messages = true } = {}) =>
      events.on(messages ? 'change' : 'otherChange', listener),
    clear: events.clear,
  }
}
