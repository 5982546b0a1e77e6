/** The connection, for a component that renders only for what it reads. */
import { useEffect, useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { IncomingEnvelope, OutgoingEnvelope, ResilientWebSocket } from 'resilient-websocket'
import type { Actions } from '../adapters/actions.ts'
import type { Callbacks, ClientChoice } from '../adapters/options.ts'
import type { SharedClients } from '../adapters/shared-clients.ts'
import type { View } from '../adapters/view-store.ts'
import { useClient, useNewest } from './client.ts'

/** Options of `useResilientWebSocket`: those of the client, which client is meant, and callbacks. */
export interface UseResilientWebSocketOptions<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ClientChoice<Incoming, Outgoing>,
    Callbacks<Incoming> {}

/**
 * The component renders again when something changes that it has read of this object, and for
 * nothing else: take only what you show (a spread takes everything). Kept as a whole and read in an effect or
 * a handler, it says what is true at that moment.
 */
export interface UseResilientWebSocketResult<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends View<Incoming>,
    Actions<Outgoing> {
  /** The client itself, for everything else; do not close a shared one. */
  readonly socket: ResilientWebSocket<Incoming, Outgoing>
}

type Names = Set<keyof View<unknown>>

interface Shown<Incoming> {
  /** The view that this rendering shows. */
  readonly view: View<Incoming>
  /** It is on the page: effects and handlers, which read from now on, get the values of that moment. */
  committed: boolean
}

/** The view with a getter for each value, which notes in `reads` that the component reads it. */
const withReads = <Incoming, Rest extends object>(
  shown: Shown<Incoming>,
  reads: Names,
  live: (name: keyof View<Incoming>) => unknown,
  rest: Rest,
): View<Incoming> & Rest => {
  const result = { ...rest }
  for (const name of Object.keys(shown.view) as (keyof View<Incoming>)[]) {
    Object.defineProperty(result, name, {
      enumerable: true,
      get() {
        reads.add(name)
        return shown.committed ? live(name) : shown.view[name]
      },
    })
  }
  return result as View<Incoming> & Rest
}

/** `useResilientWebSocket`, with clients of any entry of the package. */
export const useConnection = <Incoming, Outgoing>(
  clients: SharedClients,
  options: UseResilientWebSocketOptions<Incoming, Outgoing>,
): UseResilientWebSocketResult<Incoming, Outgoing> => {
  const { socket, store, actions, view: now, serverView } = useClient(clients, options)
  const reads = useRef<Names>(new Set()).current
  const committed = useRef<View<Incoming>>(undefined)

  // The one committed last, until something differs that the component reads.
  const worthRendering = (): View<Incoming> => {
    const before = committed.current
    const after = now()
    return before && [...reads].every(name => before[name] === after[name]) ? before : after
  }
  const shown = useSyncExternalStore(store.subscribe, worthRendering, serverView)
  // A component that renders anyway, and reads something for the first time, gets it as it is now.
  const view = committed.current ? now() : shown
  // Before all effects: the store is compared with it as soon as the component is on the page.
  useInsertionEffect(() => {
    committed.current = shown
  })

  const ticking = useRef<() => void>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: with another store the old one's ticking ends
  useEffect(
    () => () => {
      ticking.current?.()
      ticking.current = undefined
    },
    [store],
  )
  useEffect(() => {
    if (reads.has('connectionDuration')) ticking.current ??= store.tick()
  })

  // biome-ignore lint/correctness/useExhaustiveDependencies: another client is another rendering
  const rendering = useMemo<Shown<Incoming>>(() => ({ view, committed: false }), [view, socket])
  const live = useNewest((name: keyof View<Incoming>) =>
    name === 'connectionDuration' ? socket.connectionDuration : now()[name],
  )
  useInsertionEffect(() => {
    rendering.committed = true
  })

  return useMemo(
    () => withReads(rendering, reads, name => live.current(name), { ...actions, socket }),
    [rendering, reads, live, actions, socket],
  )
}
