/** The view of a client for components: it changes no more often than rendering is worth. */
import type {
  Environment,
  ResilientWebSocket,
  Snapshot,
  StateChange,
  Status,
} from 'resilient-websocket'
import { type Held, isEnded } from './shared-client.ts'

/** Everything that hooks and composables show, at one moment. Immutable. */
export interface View<Incoming>
  extends Pick<
    Snapshot<Incoming>,
    'status' | 'error' | 'attempt' | 'nextRetryAt' | 'queued' | 'latencyMs'
  > {
  /** `status === 'OPEN'`. */
  readonly isConnected: boolean
  /** The last message of the last batch; changes at most once per batch window. */
  readonly lastMessage: Incoming | null
  /** The last batch. */
  readonly messages: readonly Incoming[]
  /** Milliseconds since OPEN, 0 otherwise; counted on once a second, if somebody reads it. */
  readonly connectionDuration: number
  /** The last changes of status, oldest first. */
  readonly stateHistory: readonly StateChange[]
}

/** The view of one client, for all components that show it. */
export interface ViewStore<Incoming> {
  /** The same object until something in it changes. */
  get(): View<Incoming>
  /** Calls back after each change. Returns an idempotent unsubscribe. */
  subscribe(listener: () => void): () => void
  /** Counts `connectionDuration` on once a second, until the returned function is called. */
  tick(): () => void
}

type Clock = Pick<Environment, 'setTimeout' | 'clearTimeout'>

const TICK_MS = 1000
const WATCHED = ['status', 'error', 'attempt', 'nextRetryAt', 'queued', 'latencyMs'] as const

// One array for all views, or "no messages yet" would look like a change.
const NONE: readonly never[] = []

const plain = (status: Status): View<never> => ({
  status,
  isConnected: status === 'OPEN',
  error: null,
  attempt: 0,
  nextRetryAt: null,
  queued: 0,
  latencyMs: null,
  lastMessage: null,
  messages: NONE,
  connectionDuration: 0,
  stateHistory: NONE,
})

// Made once: two views that say the same must be the same object.
const PLAIN: Readonly<Record<Status, View<never>>> = {
  CONNECTING: plain('CONNECTING'),
  OPEN: plain('OPEN'),
  CLOSED: plain('CLOSED'),
  RECONNECTING: plain('RECONNECTING'),
  FALLBACK: plain('FALLBACK'),
  ERROR: plain('ERROR'),
}

/** The view of a server, and of a browser until it has taken over the page: nothing was opened yet. */
export const initialView = (enabled: boolean | undefined): View<never> =>
  PLAIN[enabled === false ? 'CLOSED' : 'CONNECTING']

/** The view of a browser, also before the client is in use and before it has connected. */
export const currentView = <Incoming>(
  store: ViewStore<Incoming>,
  held: Held<Incoming, never> | undefined,
  enabled: boolean | undefined,
): View<Incoming> => {
  if (!held || held.started) return store.get()
  const { likely } = held
  // Nothing but the status: the user of that client may be another one.
  if (likely?.started && !isEnded(likely)) return PLAIN[likely.socket.status]
  return enabled === false ? store.get() : initialView(true)
}

const createStore = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
  { setTimeout, clearTimeout }: Partial<Clock> = {},
): ViewStore<Incoming> => {
  const listeners = new Set<() => void>()
  const arm = setTimeout ?? ((run, delayMs) => globalThis.setTimeout(run, delayMs))
  const disarm = clearTimeout ?? (handle => globalThis.clearTimeout(handle as number))
  let tickers = 0
  let timer: unknown
  let detach: (() => void) | undefined
  let view: View<Incoming> = initialView(false)

  const replace = (part: Partial<View<Incoming>>): void => {
    view = { ...view, ...part }
    for (const listener of [...listeners]) listener()
  }

  /** All but the messages, which come with their batch. */
  const refresh = (): void => {
    const now = socket.getSnapshot()
    const { stateHistory } = socket
    if (stateHistory === view.stateHistory && WATCHED.every(name => now[name] === view[name])) {
      return
    }
    const { status, error, attempt, nextRetryAt, queued, latencyMs } = now
    replace({
      status,
      isConnected: status === 'OPEN',
      error,
      attempt,
      nextRetryAt,
      queued,
      latencyMs,
      stateHistory,
      // Not with every change: a component that reads only this renders once a second.
      ...(stateHistory !== view.stateHistory && {
        connectionDuration: socket.connectionDuration,
      }),
    })
  }

  // As long as the client lives: messages of the former user must not come back to a component that mounts later.
  socket.on('reset', () => {
    if (view.messages.length || view.lastMessage !== null) {
      replace({ lastMessage: null, messages: NONE })
    }
  })

  /** Messages that came while no component listened are not batches of this view: only the newest is shown. */
  const catchUp = (): void => {
    refresh()
    const { lastMessage, connectionDuration } = socket
    if (lastMessage !== view.lastMessage) replace({ lastMessage })
    if (connectionDuration - view.connectionDuration >= TICK_MS) replace({ connectionDuration })
  }

  const attach = (): void => {
    catchUp()
    const offs = [
      socket.onChange(refresh, { messages: false }),
      socket.on('batch', messages => replace({ messages, lastMessage: messages.at(-1) ?? null })),
    ]
    detach = () => {
      detach = undefined
      for (const off of offs) off()
    }
  }

  const count = (): void => {
    timer = arm(count, TICK_MS)
    const { connectionDuration } = socket
    if (connectionDuration !== view.connectionDuration) replace({ connectionDuration })
  }

  return {
    get() {
      if (!detach) catchUp()
      return view
    },
    subscribe(listener) {
      // One function may subscribe twice.
      const own = (): void => listener()
      listeners.add(own)
      if (!detach) attach()
      return () => {
        if (listeners.delete(own) && !listeners.size) detach?.()
      }
    },
    tick() {
      if (!tickers++) count()
      let ticking = true
      return () => {
        if (!ticking) return
        ticking = false
        if (!--tickers) disarm(timer)
      }
    },
  }
}

/** One store a client, so that a message costs the same for one hook and for fifty. */
const stores = new WeakMap<object, ViewStore<never>>()

/** The store of a client; the clock of the first caller counts the seconds. */
export const viewOf = <Incoming, Outgoing>(
  socket: ResilientWebSocket<Incoming, Outgoing>,
  clock?: Partial<Clock>,
): ViewStore<Incoming> => {
  const store = stores.get(socket) ?? createStore(socket, clock)
  stores.set(socket, store as never)
  return store as never
}
