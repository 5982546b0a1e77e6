/** Typed events over mitt. No type of mitt leaves this file. */
import mitt from 'mitt'
import type { Call } from '../shared/call.ts'

export interface Events<Map extends object> {
  /** Listens; returns an idempotent unsubscribe, after which the listener is not called again. */
  on<Name extends keyof Map>(name: Name, listener: (payload: Map[Name]) => void): () => void
  /** `isOver`: asked before each listener, whether those that are left have to hear of it still. */
  emit<Name extends keyof Map>(name: Name, payload: Map[Name], isOver?: () => boolean): void
  clear(): void
}

export const createEvents = <Map extends object>(call: Call): Events<Map> => {
  const { all, on, off } = mitt<Record<PropertyKey, unknown>>()
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
    emit(name, payload, isOver) {
      const handlers = all.get(name) as ((payload: unknown) => void)[] | undefined
      if (!handlers?.length) return
      // A listener may end itself or others. One alone, the common case of a hot path, needs no copy.
      if (handlers.length === 1) handlers[0]?.(payload)
      else {
        for (const handler of [...handlers]) {
          if (isOver?.()) return
          handler(payload)
        }
      }
    },
    clear: () => all.clear(),
  }
}
