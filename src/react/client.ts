/** Which client a component uses, and for how long. */
import {
  useContext,
  useEffect,
  useImperativeHandle,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { ResilientWebSocket } from 'resilient-websocket'
import { type Actions, createActions } from '../adapters/actions.ts'
import type { Choice } from '../adapters/client-target.ts'
import { callbackNames, onCallbacks } from '../adapters/options.ts'
import { type Held, isEnded } from '../adapters/shared-client.ts'
import type { Lease, SharedClients } from '../adapters/shared-clients.ts'
import {
  currentView,
  initialView,
  type View,
  type ViewStore,
  viewOf,
} from '../adapters/view-store.ts'
import { ProvidedClient } from './provider.ts'

/** The newest value, for effects and handlers. */
export const useNewest = <Value>(value: Value): { readonly current: Value } => {
  const newest = useRef(value)
  useInsertionEffect(() => {
    newest.current = value
  })
  return newest
}

/** The client of one component, as a hook uses it. */
export interface Client<Incoming, Outgoing> {
  /** The client itself. */
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
  /** Its view, shared with all components. */
  readonly store: ViewStore<Incoming>
  /** What the component may do with it. */
  readonly actions: Actions<Outgoing>
  /** The view to show now. */
  view(): View<Incoming>
  /** The view to show on a server, and first in a browser that takes over its page. */
  serverView(): View<Incoming>
  /** False once another client has been rendered. */
  isCurrent(): boolean
  /** False for a moment after a hidden component has come back; another render follows. */
  usable(): boolean
}

/** A ref that is never filled: `useImperativeHandle` is used for its phase, and has no handle to give. */
const noHandle = (): void => {}

/** Renderings in a row that mean another client each, before an error says that this never ends. */
const MAX_CHANGES = 3

/** The client of a component from one rendering to the next. */
interface Kept<Incoming, Outgoing> {
  /** `undefined` where the caller gave a client of its own. */
  readonly held: Held<Incoming, Outgoing> | undefined
  /** The options that the client was looked up with, or those committed last. */
  options: Choice<Incoming, Outgoing>
  /** Changes of the client since the last commit. */
  changes: number
}

type Keep<Incoming, Outgoing> = (kept: Kept<Incoming, Outgoing>) => void

/** The options, with the provider's client where they name none of their own. */
const useOptions = <Incoming, Outgoing>(
  given: Choice<Incoming, Outgoing>,
): Choice<Incoming, Outgoing> => {
  const provided = useContext(ProvidedClient)
  const { url, share } = given
  const fromProvider =
    !('socket' in given) && url === undefined && share !== false && provided !== undefined
  return fromProvider ? { ...given, socket: provided } : given
}

/** Looks the client up while rendering, and again when the options mean another one. */
const useLookUp = <Incoming, Outgoing>(
  clients: SharedClients,
  options: Choice<Incoming, Outgoing>,
): [Kept<Incoming, Outgoing>, Keep<Incoming, Outgoing>] => {
  const own = options.socket ?? undefined
  const lookUp = (changes: number): Kept<Incoming, Outgoing> => ({
    held: own ? undefined : clients.lookUp(options),
    options,
    changes,
  })
  const [kept, keep] = useState(() => lookUp(0))
  const { held } = kept
  const changed = !own && held ? clients.changesOf(held, kept.options, options) : []
  if (own ? !held : held && !changed.length) return [kept, keep]
  if (kept.changes >= MAX_CHANGES) {
    throw new Error(
      `useResilientWebSocket: \`${changed.join('`, `')}\` is another one each time the component renders, and each one means another client. Expected one that stays the same: keep it in useState or useMemo, or give a function for \`url\`, which is asked on every dial`,
    )
  }
  const next = lookUp(kept.changes + 1)
  // Setting state while rendering: React starts this component again at once, before its children.
  keep(next)
  return [next, keep]
}

/** Uses the client from one effect to its end. Returns the lease of the client that is rendered, while there is one. */
const useLease = <Incoming, Outgoing>(
  clients: SharedClients,
  [{ held }, keep]: [Kept<Incoming, Outgoing>, Keep<Incoming, Outgoing>],
  options: { readonly current: Choice<Incoming, Outgoing> },
  replaced: WeakMap<object, Held<Incoming, Outgoing>>,
): { readonly current: Lease<Incoming, Outgoing> | undefined } => {
  const lease = useRef<Lease<Incoming, Outgoing>>(undefined)
  const self = useRef({}).current
  useEffect(() => {
    if (!held) return
    const taken = clients.acquire(held, options.current, self)
    lease.current = taken
    if (taken.held !== held) {
      replaced.set(held, taken.held)
      keep({ held: taken.held, options: options.current, changes: 0 })
    }
    return () => {
      lease.current = undefined
      taken.release()
    }
  }, [clients, held, keep, options, self, replaced])
  return lease
}

/** The client of this component: looked up while rendering, acquired by an effect, released when it leaves. */
export const useClient = <Incoming, Outgoing>(
  clients: SharedClients,
  given: Choice<Incoming, Outgoing>,
): Client<Incoming, Outgoing> => {
  const options = useOptions(given)
  const state = useLookUp(clients, options)
  const [kept] = state
  const { held } = kept
  const socket = (options.socket ?? held?.socket) as ResilientWebSocket<Incoming, Outgoing>
  const store = viewOf(socket, held?.options.environment)
  const newest = useNewest(options)
  // Between a commit and its effects the client before is still listened to, and may be another user's.
  const committed = useNewest(socket)
  /** Clients that were rendered, and the ones that were taken in place of them. */
  const replaced = useRef(new WeakMap<object, Held<Incoming, Outgoing>>()).current
  const lease = useLease(clients, state, newest, replaced)

  // Before the effect that connects, so that the first events reach the callbacks.
  const names = callbackNames(options).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: `names` says which callbacks there are
  useEffect(
    () =>
      onCallbacks(socket, callbackNames(newest.current), () =>
        committed.current === socket ? newest.current : {},
      ),
    [socket, names, newest],
  )

  useInsertionEffect(() => {
    kept.options = options
    kept.changes = 0
  })
  const current = (): Lease<Incoming, Outgoing> | undefined =>
    // The lease of the client before must not get what is meant for this one.
    lease.current?.held === held ? lease.current : undefined
  // Before any component acquires: one that comes with the same new token finds its client by it.
  // In the phase of layout effects, of which React 18 would warn where a page is rendered to a string.
  useImperativeHandle(noHandle, () => {
    current()?.renew(options)
    return null
  })
  // Another client than was rendered connects after the next rendering, when it is listened to.
  useEffect(() => current()?.reconcile())

  const actions = useMemo(() => {
    // The client of this rendering, also if the component is another user's by now, or not yet.
    const rendered = (): Held<Incoming, Outgoing> | undefined => {
      let latest = held
      for (let next = latest; next; next = replaced.get(next)) latest = next
      return latest
    }
    return createActions(() => rendered()?.socket ?? socket, rendered)
  }, [socket, held, replaced])

  return {
    socket,
    store,
    actions,
    view: () => currentView(store, held, options.enabled),
    serverView: () => initialView(options.enabled),
    isCurrent: () => committed.current === socket,
    usable: () => !held || (!isEnded(held) && (lease.current?.held ?? held) === held),
  }
}
