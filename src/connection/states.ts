/** The words of the connection, and what is true in each of its states. */

/** What becomes of the connection as a whole: the names of the native WebSocket and three more. */
export type Status = 'CONNECTING' | 'OPEN' | 'CLOSED' | 'RECONNECTING' | 'FALLBACK' | 'ERROR'

/** What happens inside a status. Messages flow in both directions when it is `ready`. */
export type Phase =
  | 'idle'
  | 'dialing'
  | 'authenticating'
  | 'waiting'
  | 'ready'
  | 'polling'
  | 'offline'
  /** After `close()`: nothing goes on from here. */
  | 'ended'

/** The states of the machine: a status, and what the link is doing in it. */
export type StateName =
  | 'closed'
  | 'ended'
  | 'failed'
  | 'connecting'
  | 'greeting'
  | 'ready'
  | 'waiting'
  | 'redialing'
  | 'polling'
  | 'probing'
  | 'proving'

/** Past facts, as the connection and the user report them. */
export type EventName =
  | 'connectRequested'
  | 'disconnectRequested'
  /** `close()` was called, or its signal aborted. */
  | 'closeRequested'
  | 'reconnectRequested'
  /** The socket is open. */
  | 'opened'
  /** The link has proved itself: messages may flow. */
  | 'proved'
  /** The link, or the dial, is gone; it may be tried again. */
  | 'lost'
  /** It makes no sense to try again. */
  | 'refused'
  /** The wait for the next dial is over. */
  | 'waited'
  /** The link has been open for long enough to forget the attempts it took. */
  | 'stabilised'
  /** A reason to look now. */
  | 'woken'
  | 'wentOffline'
  /** The machine says that its network is back. */
  | 'wentOnline'
  /** It has taken too long: `fallback.afterMs` is over. */
  | 'overdue'
  /** `reconnect.giveUpAfterMs` is over. */
  | 'gaveUp'
  /** There is no WebSocket in this runtime. */
  | 'unsupported'
  /** A poll was answered after others had failed. */
  | 'pollRecovered'
  /** There is nothing to poll at the fallback's URL. */
  | 'fallbackMissing'
  /** The link works but must be replaced: the server asked for it, or the user is another. */
  | 'outdated'

/** What the connection has to do, in this order. */
export type Effect =
  | 'closeLink'
  | 'dial'
  | 'startPolling'
  | 'stopPolling'
  | 'wait'
  | 'checkLink'
  | 'checkDial'
  | 'replaceOldDial'
  | 'pollNow'
  | 'pollAnew'
  | 'announceReady'

/** Timers that run as long as the connection is in a state that names them; each reports the event of its name. */
export type StateTimer = 'stabilised' | 'overdue' | 'gaveUp'

/** What is true in a state. */
export interface StateFacts {
  readonly status: Status
  readonly phase: Phase
  /** What the WebSocket is doing. At most one exists. */
  readonly link: 'none' | 'dialing' | 'open'
  readonly polls?: true
  /** Time passes here until `waited`. */
  readonly waits?: true
  /** The connection listens to the page: `online`, `visibilitychange`, `pageshow`, ... */
  readonly watchesPage?: true
  readonly timers?: readonly StateTimer[]
}

/** A change of status, as history keeps it. */
export interface StateChange {
  readonly from: Status
  readonly to: Status
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** Why, for people: `Connection lost`, `Heartbeat timeout`, ... */
  readonly reason?: string
}
