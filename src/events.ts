/** Typed events over mitt. No type of mitt leaves this file. */
import mitt from 'mitt'

export interface Events<Map extends object> {
  /** Listens; returns an idempotent unsubscribe, after which the listener is not called again. */
  on<Name extends keyof Map>(name: Name, listener: (payload: Map[Name]) => void): () => void
  emit<Name extends keyof Map>(name: Name, payload: Map[Name]): void
  clear(): void
}

/** Calls a listener; what it throws disturbs neither the caller nor the others. */
export type Call = <Payload extends unknown[]>(
  listener: (...payload: Payload) => void,
  ...payload: Payload
) => void

export const createEvents = <Map extends object>(call: Call): Events<Map> => {
  const { all, on, off, emit } = mitt<Record<PropertyKey, unknown>>()
  return {
    on(name, listener) {
      let active = true
      const handler = (payload: unknown): void => {
        if (active) call(listener, payload as never)
      }
      on(name, handler)
      return () => {
        active = false
        off(name, handler)
      }
    },
    emit(name, payload) {
      const handlers = all.get(name)
      // mitt copies its list for every emit: one listener, the common case of a hot path, needs none.
      if (!handlers?.length) return
      if (handlers.length > 1) emit(name, payload)
      else (handlers[0] as (payload: unknown) => void)(payload)
    },
    clear: () => all.clear(),
  }
}
