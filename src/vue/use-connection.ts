/** The connection as refs. */
import type { IncomingEnvelope, OutgoingEnvelope, ResilientWebSocket } from 'resilient-websocket'
import { type ComputedRef, computed, type ShallowRef, shallowRef, toValue } from 'vue'
import type { Actions } from '../adapters/actions.ts'
import { type Callbacks, callbackNames, onCallbacks } from '../adapters/options.ts'
import type { SharedClients } from '../adapters/shared-clients.ts'
import { initialView, type View, type ViewStore } from '../adapters/view-store.ts'
import { useClient } from './client.ts'
import type { ReactiveChoice } from './reactive-choice.ts'

/** Options of `useResilientWebSocket`: those of the client, which client is meant, and callbacks. */
export interface UseResilientWebSocketOptions<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ReactiveChoice<Incoming, Outgoing>,
    Callbacks<Incoming> {}

/** Each value as a ref of its own: a component renders again only for what it reads. */
export type ViewRefs<Incoming> = {
  readonly [Name in keyof View<Incoming>]: ComputedRef<View<Incoming>[Name]>
}

/** The view as refs, the actions, and the client itself. */
export interface UseResilientWebSocketResult<
  Incoming = IncomingEnvelope,
  Outgoing = OutgoingEnvelope,
> extends ViewRefs<Incoming>,
    Actions<Outgoing> {
  /** The client itself, for everything else; do not close a shared one. */
  readonly socket: Readonly<ShallowRef<ResilientWebSocket<Incoming, Outgoing>>>
}

/** `useResilientWebSocket`, with clients of any entry of the package. */
export const useConnection = <Incoming, Outgoing>(
  clients: SharedClients,
  options: UseResilientWebSocketOptions<Incoming, Outgoing>,
): UseResilientWebSocketResult<Incoming, Outgoing> => {
  const view = shallowRef<View<Incoming>>(initialView(toValue(options.enabled)))
  let current: ViewStore<Incoming> | undefined
  let durationRead = false
  let stopTicking: (() => void) | undefined

  const tick = (): void => {
    if (durationRead) stopTicking ??= current?.tick()
  }

  let show = (): View<Incoming> => view.value
  const follow = (): void => {
    if (current) view.value = show()
  }

  const begin = (
    client: ResilientWebSocket<Incoming, Outgoing>,
    store: ViewStore<Incoming>,
    now: () => View<Incoming>,
  ): (() => void) => {
    show = now
    const offs = [onCallbacks(client, callbackNames(options), () => options)]
    offs.push(store.subscribe(follow))
    current = store
    tick()
    return () => {
      current = undefined
      stopTicking?.()
      stopTicking = undefined
      for (const off of offs) off()
    }
  }

  const { socket, actions, firstView } = useClient(clients, options, begin, follow)
  // While hydrating as on a server until the component is mounted.
  if (!current) view.value = firstView()

  const refs = Object.fromEntries(
    (Object.keys(view.value) as (keyof View<Incoming>)[]).map(name => [
      name,
      computed(() => {
        if (name === 'connectionDuration' && !durationRead) {
          durationRead = true
          // Not here: a computed changes nothing.
          queueMicrotask(tick)
        }
        return view.value[name]
      }),
    ]),
  ) as unknown as ViewRefs<Incoming>

  return { ...refs, ...actions, socket }
}
