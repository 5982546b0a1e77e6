/** What a component may do with its client. */
import type { ResilientWebSocket, SendOptions } from 'resilient-websocket'
import type { Held } from './shared-clients.ts'

export interface Actions<Outgoing> {
  /** Sends, now or when the link is ready again; the Delivery tells its fate. */
  readonly sendMessage: ResilientWebSocket<unknown, Outgoing>['send']
  /** Dials now, unless connected or dialing. Does nothing once the component is gone. */
  readonly connect: () => void
  /** CLOSED until `connect()`, for all that share the client. */
  readonly disconnect: () => void
  /** Dials now, from any status. Does nothing once the component is gone. */
  readonly reconnect: () => void
}

/** Of the client in use at the time of the call. `held` is the shared one, if it is one. */
export const createActions = <Incoming, Outgoing>(
  socket: () => ResilientWebSocket<Incoming, Outgoing>,
  held: () => Held<Incoming, Outgoing> | undefined,
): Actions<Outgoing> => {
  // A callback that outlives its component is no reason to throw.
  const unlessGone = (name: 'connect' | 'disconnect' | 'reconnect') => (): void => {
    if (!held()?.closed) socket()[name]()
  }
  return {
    sendMessage: (message: Outgoing, options?: SendOptions) => socket().send(message, options),
    connect: unlessGone('connect'),
    disconnect: unlessGone('disconnect'),
    reconnect: unlessGone('reconnect'),
  }
}
