/** What a component sees of a client: only what it reads, and never more often than it can be looked at. */
import type {
  ResilientWebSocket,
  ResilientWebSocketError,
  Snapshot,
  StateChange,
  Status,
} from 'resilient-websocket'

/** Everything there is to read. */
export interface Seen<Incoming> {
  readonly status: Status
  /** `status === 'OPEN'`. */
  readonly isConnected: boolean
  /** The newest message, renewed with each batch. */
  readonly lastMessage: Incoming | null
  /** The messages of the last batch. */
  readonly messages: readonly Incoming[]
  /** The last error; OPEN clears it. */
  readonly error: ResilientWebSocketError | null
  /** Milliseconds since OPEN, renewed once a second; 0 otherwise. */
  readonly connectionDuration: number
  readonly stateHistory: readonly StateChange[]
  /** Redials since the link was last stable. */
  readonly attempt: number
  /** When the next dial is due, ms since the epoch. */
  readonly nextRetryAt: number | null
  /** Messages that wait to be sent. */
  readonly queued: number
  /** The last measured round trip, in ms. */
  readonly latencyMs: number | null
}

export type Field = keyof Seen<unknown>

const NOTHING: readonly never[] = []
const TICK_MS = 1000

/** What is seen before there is a page, and in the first rendering on it. */
export const before = <Incoming>(enabled: boolean): Seen<Incoming> => ({
  status: enabled ? 'CONNECTING' : 'CLOSED',
  isConnected: false,
  lastMessage: null,
  messages: NOTHING,
  error: null,
  connectionDuration: 0,
  stateHistory: NOTHING,
  attempt: 0,
  nextRetryAt: null,
  queued: 0,
  latencyMs: null,
})

export interface View<Incoming> {
  /** What is seen now: another object only after something that was read has changed. */
  get(): Seen<Incoming>
  /** What is seen on a server. */
  getBefore(): Seen<Incoming>
  /** Calls back when something that was read has changed. */
  subscribe(changed: () => void): () => void
}

export const createView = <Incoming>(
  socket: ResilientWebSocket<Incoming, never>,
  enabled: boolean,
): View<Incoming> => {
  const read = new Set<Field>()
  let lastMessage: Incoming | null = socket.lastMessage
  let messages: readonly Incoming[] = NOTHING
  const start = before<Incoming>(enabled)

  const now = (field: Field): unknown => {
    if (field === 'lastMessage') return lastMessage
    if (field === 'messages') return messages
    // A client that will be connected as soon as it is on the page is seen as connecting.
    if (field === 'status' && !socket.stateHistory.length) return start.status
    if (field === 'isConnected' || field === 'stateHistory' || field === 'connectionDuration') {
      return socket[field]
    }
    return socket.getSnapshot()[field as keyof Snapshot]
  }

  /** Values are looked up when they are first read, and from then on compared. */
  const look = (live: boolean): Seen<Incoming> => {
    const values: Partial<Record<Field, unknown>> = {}
    if (live) for (const field of read) values[field] = now(field)
    const seen = {}
    for (const field of Object.keys(start) as Field[]) {
      Object.defineProperty(seen, field, {
        enumerable: true,
        get() {
          if (!live) return start[field]
          read.add(field)
          if (field === 'connectionDuration') startClock()
          if (!(field in values)) values[field] = now(field)
          return values[field]
        },
      })
    }
    return seen as Seen<Incoming>
  }
  /** Runs only while somebody looks at it. */
  let startClock = (): void => {}
  let seen = look(true)
  const unseen = look(false)

  return {
    get: () => seen,
    getBefore: () => unseen,
    subscribe(changed) {
      const renew = (): void => {
        seen = look(true)
        changed()
      }
      const isOther = (field: Field): boolean =>
        field === 'connectionDuration'
          ? seen[field] > 0 !== socket[field] > 0
          : !Object.is(seen[field], now(field))
      const check = (): void => {
        if ([...read].some(isOther)) renew()
      }
      let clock: ReturnType<typeof setInterval> | undefined
      startClock = () => {
        clock ??= setInterval(() => {
          if (socket.connectionDuration) renew()
        }, TICK_MS)
      }
      if (read.has('connectionDuration')) startClock()
      const offs = [
        socket.on('batch', batch => {
          messages = batch
          lastMessage = batch.at(-1) ?? lastMessage
          check()
        }),
        socket.onChange(check),
        () => {
          clearInterval(clock)
          startClock = () => {}
        },
      ]
      // Something may have happened since the rendering.
      check()
      return () => {
        for (const off of offs) off()
      }
    },
  }
}
