/** Which client a component, or any effect scope, uses, and for how long. */
import type { ResilientWebSocket } from 'resilient-websocket'
import {
  type App,
  computed,
  getCurrentInstance,
  hasInjectionContext,
  type InjectionKey,
  inject,
  isRef,
  type MaybeRefOrGetter,
  onMounted,
  provide,
  type Ref,
  type ShallowRef,
  shallowRef,
  toValue,
  watch,
} from 'vue'
import { type Actions, createActions } from '../adapters/actions.ts'
import type { AnyClient, ClientChoice } from '../adapters/options.ts'
import { acquire, isFor, type Lease, lookUp } from '../adapters/shared.ts'
import { type ViewStore, viewOf } from '../adapters/view.ts'

const KEY: InjectionKey<AnyClient> = Symbol('resilient-websocket')

/**
 * Names the client for every composable in the components below (not in this one) that names neither
 * `socket` nor `url`; with `app`, in the whole app. It stays yours to close.
 */
export const provideResilientWebSocket = (socket: AnyClient, app?: App): void => {
  if (app) app.provide(KEY, socket)
  else provide(KEY, socket)
}

/** Which client to use. `url` and `enabled` may change: another url means another client. */
export interface ReactiveChoice<Incoming, Outgoing>
  extends Omit<ClientChoice<Incoming, Outgoing>, 'url' | 'enabled'> {
  /** As for the client, or a ref, such as `computed(() => props.url)`. A function is asked on every dial, not tracked. @default 'ws://localhost:3001/ws' */
  url?: ClientChoice<Incoming, Outgoing>['url'] | Ref<string | URL>
  /** Whether to connect once on the page. @default true */
  enabled?: MaybeRefOrGetter<boolean | undefined>
}

export interface Client<Incoming, Outgoing> {
  readonly socket: Readonly<ShallowRef<ResilientWebSocket<Incoming, Outgoing>>>
  readonly actions: Actions<Outgoing>
}

/**
 * `begin` runs for the client in use, before it connects: once a component is mounted (never on a
 * server), in any other scope at once; again for another client. What it returns ends it. `begun`
 * runs when the client is connecting, if it should.
 */
export const useClient = <Incoming, Outgoing>(
  options: ReactiveChoice<Incoming, Outgoing>,
  begin: (socket: ResilientWebSocket<Incoming, Outgoing>, store: ViewStore<Incoming>) => () => void,
  begun: () => void = () => {},
): Client<Incoming, Outgoing> => {
  const own: ResilientWebSocket<Incoming, Outgoing> | undefined =
    options.socket ??
    (options.url === undefined && options.share !== false && hasInjectionContext()
      ? inject(KEY, undefined)
      : undefined)

  const choice = (): ClientChoice<Incoming, Outgoing> => {
    const { url, enabled, ...rest } = options
    const address = isRef(url) ? url.value : url
    return {
      ...rest,
      ...(address !== undefined && { url: address }),
      enabled: toValue(enabled) !== false,
    }
  }

  const held = shallowRef(own ? undefined : lookUp(choice()))
  const socket = computed(
    () => (own ?? held.value?.socket) as ResilientWebSocket<Incoming, Outgoing>,
  )
  const active = shallowRef(false)
  let lease: Lease<Incoming, Outgoing> | undefined

  watch(
    [active, () => choice().url],
    ([started], _before, onCleanup) => {
      if (!started) return
      const wanted = choice()
      if (!own && !(held.value && !held.value.closed && isFor(held.value, wanted))) {
        held.value = lookUp(wanted)
      }
      const end = begin(socket.value, viewOf(socket.value, held.value?.options.environment))
      const taken = held.value && acquire(held.value, wanted)
      lease = taken
      begun()
      onCleanup(() => {
        lease = undefined
        end()
        taken?.release()
      })
    },
    { immediate: true, flush: 'sync' },
  )
  watch(
    () => choice().enabled,
    () => lease?.update(choice()),
    { flush: 'sync' },
  )

  const start = (): void => {
    active.value = true
  }
  if (getCurrentInstance()) onMounted(start)
  else if (typeof window !== 'undefined') start()

  return {
    socket,
    actions: createActions(
      () => socket.value,
      () => held.value,
    ),
  }
}
