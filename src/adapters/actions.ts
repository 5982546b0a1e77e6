/** What a component may do with its client. */
import type { ResilientWebSocket, SendOptions } from 'resilient-websocket'
import { type Held, isEnded } from './shared-client.ts'

/** What hooks and composables give beside the view. Each acts on the client in use at the time of the call. */
export interface Actions<Outgoing> {
  /** `send()` of the client: sends now or when the link is ready again; the Delivery tells its fate. */
  readonly sendMessage: ResilientWebSocket<unknown, Outgoing>['send']
  /** `connect()` of the client: dials now, unless connected or dialing. Does nothing once the component has left. */
  readonly connect: () => void
  /** `disconnect()` of the client: CLOSED until `connect()`, for all that share it. */
  readonly disconnect: () => void
  /** `reconnect()` of the client: dials now, from any status. Does nothing once the component has left. */
  readonly reconnect: () => void
}

/** `socket` gives the client in use at the time of the call, and `held` the shared one, if it is one. */
export const createActions = <Incoming, Outgoing>(
  socket: () => ResilientWebSocket<Incoming, Outgoing>,
  held: () => Held<Incoming, Outgoing> | undefined,
): Actions<Outgoing> => {
  // A callback that outlives its component is no reason to throw.
  const unlessEnded = (name: 'connect' | 'disconnect' | 'reconnect') => (): void => {
    const shared = held()
    if (!shared || !isEnded(shared)) socket()[name]()
  }
  return {
    sendMessage: (message: Outgoing, options?: SendOptions) => socket().send(message, options),
    connect: unlessEnded('connect'),
    disconnect: unlessEnded('disconnect'),
    reconnect: unlessEnded('reconnect'),
  }
}
