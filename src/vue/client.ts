/** Which client a component, or any effect scope, uses, and for how long. */
import type { ResilientWebSocket } from 'resilient-websocket'
import {
  type App,
  computed,
  getCurrentInstance,
  getCurrentScope,
  hasInjectionContext,
  type InjectionKey,
  inject,
  isRef,
  type MaybeRef,
  type MaybeRefOrGetter,
  onActivated,
  onDeactivated,
  onMounted,
  onScopeDispose,
  provide,
  type Ref,
  type ShallowRef,
  shallowRef,
  toRaw,
  toValue,
  watch,
} from 'vue'
import { type Actions, createActions } from '../adapters/actions.ts'
import type { AnyClient, ClientChoice } from '../adapters/options.ts'
import { abandon, acquire, changesOf, type Lease, lookUp } from '../adapters/shared-clients.ts'
import {
  currentView,
  initialView,
  type View,
  type ViewStore,
  viewOf,
} from '../adapters/view-store.ts'

/** A client, or what names one, perhaps later. */
export type Provided = MaybeRefOrGetter<AnyClient | null | undefined>

const KEY: InjectionKey<Provided> = Symbol('resilient-websocket')

/**
 * Names the client for every composable in the components below (not in this one) that names neither
 * `socket` nor `url`; with `app`, in the whole app. It stays yours to close. A ref or getter may name it later:
 * while it gives `null` or `undefined`, nothing is dialed.
 */
export const provideResilientWebSocket = (socket: Provided, app?: App): void => {
  // A provider without a client is one, too.
  if (app) app.provide(KEY, socket ?? null)
  else provide(KEY, socket ?? null)
}

/**
 * Which client to use. What may be a ref may change: another `url`, `protocols`, `identity` or `socket` means
 * another client, another `token` is told to the server.
 */
export interface ReactiveChoice<Incoming, Outgoing>
  extends Omit<
    ClientChoice<Incoming, Outgoing>,
    'url' | 'protocols' | 'token' | 'identity' | 'enabled' | 'socket'
  > {
  /** As for the client, or a ref, such as `computed(() => props.url)`. A function is asked on every dial, not tracked. @default 'ws://localhost:3001/ws' */
  url?: ClientChoice<Incoming, Outgoing>['url'] | Ref<string | URL>
  /** As for the client, or a ref. A function is asked on every dial, not tracked. @default none */
  protocols?: ClientChoice<Incoming, Outgoing>['protocols'] | Ref<string | readonly string[]>
  /**
   * As for the client, or a ref, such as `computed(() => session.token)`: another string is told to the server without
   * reconnecting. A function is asked when a token is needed, not tracked. @default none
   */
  token?: ClientChoice<Incoming, Outgoing>['token'] | Ref<string | undefined>
  /** As for the client, or a ref or getter: another user means another client. @default none */
  identity?: MaybeRefOrGetter<string | null | undefined>
  /** Whether to connect once on the page. @default true */
  enabled?: MaybeRefOrGetter<boolean | undefined>
  /**
   * A client of your own, or a ref of it: it is only listened to. `null` or `undefined`: there is none yet, and
   * nothing is dialed; the status is CONNECTING, or CLOSED where `enabled` is false.
   */
  socket?: MaybeRef<ResilientWebSocket<Incoming, Outgoing> | null | undefined>
}

export interface Client<Incoming, Outgoing> {
  readonly socket: Readonly<ShallowRef<ResilientWebSocket<Incoming, Outgoing>>>
  readonly actions: Actions<Outgoing>
  /** What to show first. */
  firstView(): View<Incoming>
}

/** True while this component takes over what a server has rendered, and has to render the same. */
const isHydrating = (): boolean => !!getCurrentInstance()?.vnode.el

/**
 * `begin` runs for the client in use, before it connects: once a component is mounted (never on a
 * server), in any other scope at once; again for another client. What it returns ends it. `begun`
 * runs when the client is connecting, if it should.
 */
export const useClient = <Incoming, Outgoing>(
  options: ReactiveChoice<Incoming, Outgoing>,
  begin: (
    socket: ResilientWebSocket<Incoming, Outgoing>,
    store: ViewStore<Incoming>,
    view: () => View<Incoming>,
  ) => () => void,
  begun: () => void = () => {},
): Client<Incoming, Outgoing> => {
  if (!getCurrentScope()) {
    console.warn(
      'resilient-websocket: a composable was called outside of setup() and of any effectScope, perhaps after an await; nothing will ever close its connection. Call it before the first await, or in effectScope().run(), or use createResilientWebSocket() and close() it.',
    )
  }
  const provided: Provided | undefined =
    !('socket' in options) &&
    options.url === undefined &&
    options.share !== false &&
    hasInjectionContext()
      ? inject(KEY, undefined)
      : undefined
  const hydrating = isHydrating()
  const self = {}

  /** The options as they are now. */
  const choice = (): ClientChoice<Incoming, Outgoing> => {
    const now = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, isRef(value) ? value.value : value]),
    ) as ClientChoice<Incoming, Outgoing>
    if (options.identity !== undefined) now.identity = toValue(options.identity)
    now.enabled = toValue(options.enabled) !== false
    if (provided !== undefined) now.socket = toValue(provided)
    // A client in a `ref` instead of a `shallowRef` comes as a proxy.
    if (now.socket) now.socket = toRaw(now.socket)
    return now
  }

  let chosen = choice()
  const own = shallowRef(chosen.socket ?? undefined)
  const held = shallowRef(chosen.socket ? undefined : lookUp(chosen))
  const socket = computed(
    () => (own.value ?? held.value?.socket) as ResilientWebSocket<Incoming, Outgoing>,
  )
  const store = (): ViewStore<Incoming> => viewOf(socket.value, held.value?.options.environment)
  const view = (): View<Incoming> => currentView(store(), held.value, chosen.enabled)
  let active = false
  let lease: Lease<Incoming, Outgoing> | undefined
  let end: (() => void) | undefined
  let away = false
  let over = false

  const stop = (): void => {
    end?.()
    if (lease) lease.release()
    else if (held.value) abandon(held.value)
    end = lease = undefined
  }

  const start = (): void => {
    // The scope may end before its component is mounted.
    if (over) return
    active = true
    lease = held.value && acquire(held.value, chosen, self)
    if (lease) {
      held.value = lease.held
      lease.setAway(away)
    }
    end = begin(socket.value, store(), view)
    lease?.settle()
    begun()
  }

  /** What has changed among the options: another client, or something to tell the one in use. */
  const follow = (): void => {
    const before = chosen
    chosen = choice()
    const same = chosen.socket
      ? chosen.socket === own.value
      : held.value && !changesOf(held.value, before, chosen).length
    if (same) {
      lease?.renew(chosen)
      lease?.settle()
      return
    }
    stop()
    own.value = chosen.socket ?? undefined
    held.value = chosen.socket ? undefined : lookUp(chosen)
    if (active) start()
  }

  watch(() => choice().enabled, follow, { flush: 'sync' })
  // Not at once: a user and the token of that user change one after the other.
  watch(choice, follow, { flush: 'pre' })
  if (getCurrentScope()) {
    onScopeDispose(() => {
      over = true
      stop()
    })
  }

  /** In a `<KeepAlive>`, which keeps a component while another user's may be shown. */
  const setAway = (now: boolean) => (): void => {
    away = now
    lease?.setAway(now)
  }
  if (getCurrentInstance()) {
    onMounted(start)
    onActivated(setAway(false))
    onDeactivated(setAway(true))
  } else if (typeof window !== 'undefined') start()

  return {
    socket,
    actions: createActions(
      () => socket.value,
      () => held.value,
    ),
    firstView: () =>
      hydrating || typeof window === 'undefined' ? initialView(chosen.enabled) : view(),
  }
}
