/** Which client a component, or any effect scope, uses, and for how long. */
import type { ResilientWebSocket } from 'resilient-websocket'
import {
  computed,
  getCurrentInstance,
  getCurrentScope,
  onActivated,
  onDeactivated,
  onMounted,
  onScopeDispose,
  type ShallowRef,
  shallowRef,
  watch,
} from 'vue'
import { type Actions, createActions } from '../adapters/actions.ts'
import type { Choice } from '../adapters/client-target.ts'
import type { Held } from '../adapters/shared-client.ts'
import { abandon, type Lease, type SharedClients } from '../adapters/shared-clients.ts'
import {
  currentView,
  initialView,
  type View,
  type ViewStore,
  viewOf,
} from '../adapters/view-store.ts'
import { injectClient } from './provider.ts'
import { type ReactiveChoice, readChoice } from './reactive-choice.ts'

/** The client of one scope, as a composable uses it. */
export interface Client<Incoming, Outgoing> {
  /** The client itself; another one when the options mean another. */
  readonly socket: Readonly<ShallowRef<ResilientWebSocket<Incoming, Outgoing>>>
  /** What the component may do with it. */
  readonly actions: Actions<Outgoing>
  /** The view to show first. */
  firstView(): View<Incoming>
}

/** Called with the client in use, before it connects. The function that it returns ends this use. */
export type Begin<Incoming, Outgoing> = (
  socket: ResilientWebSocket<Incoming, Outgoing>,
  store: ViewStore<Incoming>,
  view: () => View<Incoming>,
) => () => void

const NO_SCOPE =
  'resilient-websocket: a composable was called outside of setup() and of any effectScope, perhaps after an await; nothing will ever close its connection. Call it before the first await, or in effectScope().run(), or use createResilientWebSocket() and close() it.'

/** True while this component takes over the page that a server has rendered, and has to render the same. */
const isHydrating = (): boolean => !!getCurrentInstance()?.vnode.el

/** The client that one scope uses at a time: looked up, acquired, replaced, released. */
interface Use<Incoming, Outgoing> {
  readonly socket: Readonly<ShallowRef<ResilientWebSocket<Incoming, Outgoing>>>
  held(): Held<Incoming, Outgoing> | undefined
  view(): View<Incoming>
  /** Uses the client from now on. Does nothing once the scope has ended. */
  start(): void
  /** The options have changed: uses another client, or tells the one in use. */
  follow(choice: Choice<Incoming, Outgoing>): void
  /** Whether the component is kept without being shown. */
  setAway(away: boolean): void
  /** The scope ends. */
  end(): void
}

const createUse = <Incoming, Outgoing>(
  clients: SharedClients,
  first: Choice<Incoming, Outgoing>,
  begin: Begin<Incoming, Outgoing>,
  onBegun: () => void,
): Use<Incoming, Outgoing> => {
  type Socket = ResilientWebSocket<Incoming, Outgoing>
  const self = {}
  let chosen = first
  /** The caller's own client, or the one that is shared. */
  const own = shallowRef<Socket>()
  const held = shallowRef<Held<Incoming, Outgoing>>()
  let active = false
  let away = false
  let ended = false
  let lease: Lease<Incoming, Outgoing> | undefined
  let endUse: (() => void) | undefined

  const choose = (): void => {
    own.value = chosen.socket ?? undefined
    held.value = chosen.socket ? undefined : clients.lookUp(chosen)
  }
  choose()
  const socket = computed(() => (own.value ?? held.value?.socket) as Socket)
  const store = (): ViewStore<Incoming> => viewOf(socket.value, held.value?.options.environment)
  const view = (): View<Incoming> => currentView(store(), held.value, chosen.enabled)

  const stop = (): void => {
    endUse?.()
    if (lease) lease.release()
    else if (held.value) abandon(held.value)
    endUse = lease = undefined
  }

  const start = (): void => {
    // The scope may end before its component is mounted.
    if (ended) return
    active = true
    lease = held.value && clients.acquire(held.value, chosen, self)
    if (lease) {
      held.value = lease.held
      lease.setAway(away)
    }
    endUse = begin(socket.value, store(), view)
    lease?.reconcile()
    onBegun()
  }

  return {
    socket,
    held: () => held.value,
    view,
    start,
    follow(choice) {
      const before = chosen
      chosen = choice
      const same = chosen.socket
        ? chosen.socket === own.value
        : held.value && !clients.changesOf(held.value, before, chosen).length
      if (same) {
        lease?.renew(chosen)
        lease?.reconcile()
        return
      }
      stop()
      choose()
      if (active) start()
    },
    setAway(now) {
      away = now
      lease?.setAway(now)
    },
    end() {
      ended = true
      stop()
    },
  }
}

/**
 * `begin` runs for the client in use, before it connects: once a component is mounted (never on a
 * server), in any other scope at once; again for another client. `onBegun` is called when the client is connecting, if
 * it should.
 */
export const useClient = <Incoming, Outgoing>(
  clients: SharedClients,
  options: ReactiveChoice<Incoming, Outgoing>,
  begin: Begin<Incoming, Outgoing>,
  onBegun: () => void = () => {},
): Client<Incoming, Outgoing> => {
  const scope = getCurrentScope()
  if (!scope) console.warn(NO_SCOPE)
  const provided = injectClient(options)
  const hydrating = isHydrating()
  const choice = (): Choice<Incoming, Outgoing> => readChoice(options, provided)
  const use = createUse(clients, choice(), begin, onBegun)
  const follow = (): void => use.follow(choice())

  watch(() => choice().enabled, follow, { flush: 'sync' })
  // Not at once: a user and the token of that user change one after the other.
  watch(choice, follow, { flush: 'pre' })
  if (scope) onScopeDispose(use.end)
  if (getCurrentInstance()) {
    onMounted(use.start)
    // A `<KeepAlive>` keeps a component while another user's may be shown.
    onActivated(() => use.setAway(false))
    onDeactivated(() => use.setAway(true))
  } else if (typeof window !== 'undefined') use.start()

  return {
    socket: use.socket,
    actions: createActions(() => use.socket.value, use.held),
    firstView: () =>
      hydrating || typeof window === 'undefined' ? initialView(choice().enabled) : use.view(),
  }
}
