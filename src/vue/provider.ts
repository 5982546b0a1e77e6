/** The client of the components below, as an app or a component names it. */
import {
  type App,
  hasInjectionContext,
  type InjectionKey,
  inject,
  type MaybeRefOrGetter,
  provide,
} from 'vue'
import type { AnyClient } from '../adapters/options.ts'

/** A client, or a ref or getter that may name one later. */
export type Provided = MaybeRefOrGetter<AnyClient | null | undefined>

const KEY: InjectionKey<Provided> = Symbol('resilient-websocket')

/**
 * Names the client for every composable in the components below (not in this one) that names neither
 * `socket` nor `url`; with `app`, in the whole app. It stays yours to close. A ref or getter may name it later:
 * while it gives `null` or `undefined`, nothing is dialed.
 */
export const provideResilientWebSocket = (socket: Provided, app?: App): void => {
  // Also without a client yet: then nothing below may dial.
  if (app) app.provide(KEY, socket ?? null)
  else provide(KEY, socket ?? null)
}

/** The client of the nearest provider, for options that name none; `undefined` where there is no provider. */
export const injectClient = (options: {
  readonly url?: unknown
  readonly share?: unknown
}): Provided | undefined =>
  !('socket' in options) &&
  options.url === undefined &&
  options.share !== false &&
  hasInjectionContext()
    ? inject(KEY, undefined)
    : undefined
