/** The connection, for a component that renders only for what it reads. */
import { useEffect, useInsertionEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { IncomingEnvelope, OutgoingEnvelope, ResilientWebSocket } from 'resilient-websocket'
import type { Actions } from '../adapters/actions.ts'
import type { Callbacks, ClientChoice } from '../adapters/options.ts'
import type { View } from '../adapters/view.ts'
import { useClient } from './client.ts'

export interface UseResilientWebSocketOptions<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ClientChoice<Incoming, Outgoing>,
    Callbacks<Incoming> {}

/**
 * The component renders again when something changes that it has read of this object, and for
 * nothing else: take only what you show (a spread takes everything).
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

const withReads = <Incoming, Rest extends object>(
  view: View<Incoming>,
  reads: Names,
  rest: Rest,
): View<Incoming> & Rest => {
  const result = { ...rest }
  for (const name of Object.keys(view) as (keyof View<Incoming>)[]) {
    Object.defineProperty(result, name, {
      enumerable: true,
      get() {
        reads.add(name)
        return view[name]
      },
    })
  }
  return result as View<Incoming> & Rest
}

/**
 * A connection that keeps itself alive, as long as a component uses it.
 *
 * ```tsx
 * const { status, sendMessage } = useResilientWebSocket({
 *   url: 'ws://localhost:3001/ws',
 *   onMessage: message => console.log(message.type),
 * })
 * ```
 *
 * Components that name the same url share one client (see `share`); it connects after the first of
 * them is on the page and closes after the last one has gone. Without `url` and `socket` the client
 * is that of the nearest `ResilientWebSocketProvider`, else the shared one of the default url.
 * On a server nothing is opened: the status is CONNECTING if `enabled`, else CLOSED.
 */
export const useResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseResilientWebSocketResult<Incoming, Outgoing> => {
  const { socket, store, actions, view: now, serverView } = useClient(options)
  const reads = useRef<Names>(new Set()).current
  const committed = useRef<View<Incoming>>(undefined)

  // The one committed last, until something differs that the component reads.
  const worthRendering = (): View<Incoming> => {
    const before = committed.current
    const after = now()
    return before && [...reads].every(name => before[name] === after[name]) ? before : after
  }
  const shown = useSyncExternalStore(store.subscribe, worthRendering, serverView)
  // Whoever renders anyway, and reads something for the first time, gets it as it is now.
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

  return useMemo(
    () => withReads(view, reads, { ...actions, socket }),
    [view, reads, actions, socket],
  )
}
