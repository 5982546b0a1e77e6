/** Which client a component uses, and for how long. */
import {
  createContext,
  createElement,
  type ReactNode,
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
import {
  type AnyClient,
  type Callbacks,
  type ClientChoice,
  callbackNames,
  onCallbacks,
} from '../adapters/options.ts'
import { acquire, changesOf, type Held, type Lease, lookUp } from '../adapters/shared-clients.ts'
import {
  currentView,
  initialView,
  type View,
  type ViewStore,
  viewOf,
} from '../adapters/view-store.ts'

/** `undefined`: there is no provider; `null`: there is one, without a client yet. */
const Context = createContext<AnyClient | null | undefined>(undefined)

export interface ResilientWebSocketProviderProps {
  /**
   * The client for every hook below that names neither `socket` nor `url`. It stays yours to close.
   * `null` or `undefined`: there is none yet, and the hooks below dial nothing.
   */
  socket: AnyClient | null | undefined
  children?: ReactNode
}

/** Names the client for what is below it. */
export const ResilientWebSocketProvider = ({
  socket,
  children,
}: ResilientWebSocketProviderProps): ReactNode =>
  createElement(Context.Provider, { value: socket ?? null }, children)

/** The newest value, for what runs after rendering. */
export const useNewest = <Value>(value: Value): { readonly current: Value } => {
  const newest = useRef(value)
  useInsertionEffect(() => {
    newest.current = value
  })
  return newest
}

export interface Client<Incoming, Outgoing> {
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
  readonly store: ViewStore<Incoming>
  readonly actions: Actions<Outgoing>
  /** What to show now. */
  view(): View<Incoming>
  /** What to show on a server, and first in a browser that takes over its page. */
  serverView(): View<Incoming>
  /** False once another client has been rendered. */
  isCurrent(): boolean
  /** False for a moment after a hidden component has come back; another render follows. */
  usable(): boolean
}

/** Hears of nothing: for what has to happen in the phase, and has no handle to give. */
const nobody = (): void => {}

/** Renderings in a row that mean another client each, before it is said that this never ends. */
const MAX_CHANGES = 3

/** What a component keeps of its client from one rendering to the next. */
interface Kept<Incoming, Outgoing> {
  readonly held: Held<Incoming, Outgoing> | undefined
  /** What the client was looked up with, or those committed last. */
  options: ClientChoice<Incoming, Outgoing> | undefined
  /** Changes since the last commit. */
  changes: number
}

export const useClient = <Incoming, Outgoing>(
  given: ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>,
): Client<Incoming, Outgoing> => {
  const { url, share, enabled } = given
  const provided = useContext(Context)
  const fromProvider =
    !('socket' in given) && url === undefined && share !== false && provided !== undefined
  const options = fromProvider ? { ...given, socket: provided } : given
  const own = options.socket ?? undefined

  const [kept, keep] = useState<Kept<Incoming, Outgoing>>(() => ({
    held: own ? undefined : lookUp(options),
    options,
    changes: 0,
  }))
  let { held } = kept
  const changed = !own && held && kept.options ? changesOf(held, kept.options, options) : []
  if (own ? held : !held || changed.length) {
    if (kept.changes >= MAX_CHANGES) {
      throw new Error(
        `useResilientWebSocket: \`${changed.join('`, `')}\` is another one each time the component renders, and each one means another client. Expected one that stays the same: keep it in useState or useMemo, or give a function for \`url\`, which is asked on every dial`,
      )
    }
    held = own ? undefined : lookUp(options)
    // Setting state while rendering: React starts this component again at once, before its children.
    keep({ held, options, changes: kept.changes + 1 })
  }

  const socket = (own ?? held?.socket) as ResilientWebSocket<Incoming, Outgoing>
  const store = viewOf(socket, held?.options.environment)
  const newest = useNewest(options)
  // Between a commit and its effects the client before is still listened to, and may be another user's.
  const committed = useNewest(socket)
  const lease = useRef<Lease<Incoming, Outgoing>>(undefined)
  const self = useRef({}).current
  /** Clients that were rendered, and the ones that were taken in place of them. */
  const instead = useRef(new WeakMap<object, Held<Incoming, Outgoing>>()).current

  useEffect(() => {
    if (!held) return
    const taken = acquire(held, newest.current, self)
    lease.current = taken
    if (taken.held !== held) {
      instead.set(held, taken.held)
      keep({ held: taken.held, options: newest.current, changes: 0 })
    }
    return () => {
      lease.current = undefined
      taken.release()
    }
  }, [held, newest, self, instead])

  // Before the one that connects, so that the first events are heard.
  const wanted = callbackNames(options).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wanted` says which callbacks there are
  useEffect(
    () =>
      onCallbacks(socket, callbackNames(newest.current), () =>
        committed.current === socket ? newest.current : {},
      ),
    [socket, wanted, newest],
  )

  useInsertionEffect(() => {
    kept.options = options
    kept.changes = 0
  })
  // Before anybody acquires: a component that comes with the same new token finds its client by it.
  const inUse = (): Lease<Incoming, Outgoing> | undefined =>
    // The one before is not to hear of what is meant for this one.
    lease.current?.held === held ? lease.current : undefined
  // In the phase of layout effects, of which React 18 would warn where a page is rendered to a string.
  useImperativeHandle(nobody, () => {
    inUse()?.renew(options)
    return null
  })
  // Another one than was rendered connects after the next rendering, when it is listened to.
  useEffect(() => inUse()?.settle())

  const actions = useMemo(() => {
    // Of this rendering, also if the component is another user's by now, or not yet.
    const meant = (): Held<Incoming, Outgoing> | undefined => {
      let now = held
      for (let next = now; next; next = instead.get(next)) now = next
      return now
    }
    return createActions(() => meant()?.socket ?? socket, meant)
  }, [socket, held, instead])

  return {
    socket,
    store,
    actions,
    view: () => currentView(store, held, enabled),
    serverView: () => initialView(enabled),
    isCurrent: () => committed.current === socket,
    usable: () => !held || (!held.closed && (lease.current?.held ?? held) === held),
  }
}
