/** Which client a component uses, and for how long. */
import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { ResilientWebSocket } from 'resilient-websocket'
import { type Actions, createActions } from '../adapters/actions.ts'
import { CALLBACKS, type Callbacks, type ClientChoice } from '../adapters/options.ts'
import { acquire, type Held, isFor, type Lease, lookUp } from '../adapters/shared.ts'
import { initialView, type View, type ViewStore, viewOf } from '../adapters/view.ts'

// biome-ignore lint/suspicious/noExplicitAny: a context has one type, and clients have many
export type AnyClient = ResilientWebSocket<any, any>

const Context = createContext<AnyClient | undefined>(undefined)

export interface ResilientWebSocketProviderProps {
  /** The client for every hook below that names neither `socket` nor `url`. It stays yours to close. */
  socket: AnyClient
  children?: ReactNode
}

/** Names the client for what is below it. */
export const ResilientWebSocketProvider = ({
  socket,
  children,
}: ResilientWebSocketProviderProps): ReactNode =>
  createElement(Context.Provider, { value: socket }, children)

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
  /** False for a moment after a hidden component has come back; another render follows. */
  usable(): boolean
}

export const useClient = <Incoming, Outgoing>(
  options: ClientChoice<Incoming, Outgoing> & Callbacks<Incoming>,
): Client<Incoming, Outgoing> => {
  const { url, share, enabled } = options
  const provided = useContext(Context)
  const own: ResilientWebSocket<Incoming, Outgoing> | undefined =
    options.socket ?? (url === undefined && share !== false ? provided : undefined)

  const [kept, keep] = useState<Held<Incoming, Outgoing> | undefined>(() =>
    own ? undefined : lookUp(options),
  )
  let held = own ? undefined : kept
  if (!own && !(held && isFor(held, options))) held = lookUp(options)
  // Setting state while rendering: React starts this component again at once, before its children.
  if (held !== kept) keep(held)

  const socket = (own ?? held?.socket) as ResilientWebSocket<Incoming, Outgoing>
  const store = viewOf(socket, held?.options.environment)
  const newest = useNewest(options)

  // Before the one that connects, so that the first events are heard.
  const { onMessage, onBatch, onError, onStatusChange } = options
  const callbacks = { onMessage, onBatch, onError, onStatusChange }
  const wanted = Object.entries(callbacks)
    .map(([name, callback]) => callback && name)
    .join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: `wanted` says which callbacks there are
  useEffect(() => {
    const offs = (Object.keys(CALLBACKS) as (keyof typeof CALLBACKS)[])
      .filter(name => callbacks[name])
      .map(name =>
        socket.on(CALLBACKS[name], payload =>
          (newest.current[name] as ((payload: unknown) => void) | undefined)?.(payload),
        ),
      )
    return () => {
      for (const off of offs) off()
    }
  }, [socket, wanted, newest])

  const lease = useRef<Lease<Incoming, Outgoing>>(undefined)
  useEffect(() => {
    if (!held) return
    const taken = acquire(held, newest.current)
    lease.current = taken
    if (taken.held !== held) keep(taken.held)
    return () => {
      lease.current = undefined
      taken.release()
    }
  }, [held, newest])
  useEffect(() => lease.current?.update(options))

  const actions = useMemo(
    () =>
      createActions(
        () => socket,
        () => held,
      ),
    [socket, held],
  )

  return {
    socket,
    store,
    actions,
    view: () => (held && !held.started && enabled !== false ? initialView(true) : store.get()),
    serverView: () => initialView(enabled),
    usable: () => !held?.closed,
  }
}
