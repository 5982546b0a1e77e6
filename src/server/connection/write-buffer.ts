/**
 * What leaves on one connection: joined into fewer frames under load, and never piling up. A burst may be larger than the
 * buffer, and the server may have stood still itself: a client is too slow only if it did not read what it had time for.
 */
import type { ServerTimers } from '../environment.ts'

/** A socket as the server needs it. */
export interface ServerSocket {
  /** Bytes handed over that have not left yet. */
  readonly bufferedAmount: number
  isOpen(): boolean
  send(text: string): void
  /** A ping frame, which every browser answers by itself. */
  ping(): void
  close(code: number, reason: string): void
  terminate(): void
}

export interface OutgoingHooks {
  readonly socket: ServerSocket
  readonly timers: ServerTimers
  readonly maxPayload: number
  readonly maxBufferedBytes: number
  /** The client does not read fast enough, or more waits for it than the server can keep. */
  tooSlow(): void
}

export interface Outgoing {
  /** Hands over one message as JSON. `own`: made for this client alone. */
  deliver(text: string, own?: boolean): void
  /** So much waits for the client that what can wait had better do so. */
  isBusy(): boolean
  /** More waits than may. */
  isFull(): boolean
  /** Resolves when it is not busy any more. A client that takes nothing meanwhile is too slow. */
  room(): Promise<void>
  /** Something that was handed to the socket has left. */
  written(): void
  /** Hands over what still waits, unless that is more than may. */
  flush(): void
  /** From now on the client reads arrays of messages. */
  join(): void
}

/** A message alone costs a browser about 109 us, one of ten in a frame 19 us. */
const JOIN_MS = 4
/** What waits for one client is never more than this many times `maxBufferedBytes`, not even between two looks. */
const MOST_BUFFERS = 64
/** How often it is looked whether the client reads, in ms. A look that is late itself counts as one and no more. */
const LOOK_MS = 1000
/** Beyond the buffer: looks in a row that may find nothing taken, or more than a buffer of the client's own. */
const IDLE_LOOKS = 2
/** Beyond the buffer: looks after which what waited at the first of them must have been taken. */
const FULL_LOOKS = 5
/** Within the buffer, while a replay waits for room: looks in a row that may find nothing taken. */
const STUCK_LOOKS = 10

export const createOutgoing = (hooks: OutgoingHooks): Outgoing => {
  const { socket, timers, maxPayload, maxBufferedBytes } = hooks
  let joins = false
  /** What waits, from `next` on; whether each is for this client alone. */
  let waiting: string[] = []
  let owned: boolean[] = []
  let next = 0
  let bytes = 0
  let ownBytes = 0
  /** The socket holds what it may; what waits follows when something of that has left. */
  let isBlocked = false
  /** Bytes that the socket was ever given. */
  let given = 0
  const waiters: (() => void)[] = []

  const backlog = (): number => socket.bufferedAmount + bytes
  const isFull = (): boolean => backlog() > maxBufferedBytes
  const isBusy = (): boolean => backlog() > maxBufferedBytes / 2
  const taken = (): number => given - socket.bufferedAmount

  const write = (text: string): void => {
    if (!socket.isOpen()) return
    given += Buffer.byteLength(text)
    socket.send(text)
  }

  const push = (text: string, own: boolean): void => {
    const size = Buffer.byteLength(text) + 1
    waiting.push(text)
    owned.push(own)
    bytes += size
    if (own) ownBytes += size
  }

  const clear = (): void => {
    waiting = []
    owned = []
    next = 0
    bytes = 0
    ownBytes = 0
    isBlocked = false
  }

  /** The next frame of what waits. */
  const takeFrame = (): string => {
    const from = next
    let size = 0
    while (next < waiting.length) {
      const more = Buffer.byteLength(waiting[next] as string) + 1
      if (next > from && (!joins || size + more > maxPayload)) break
      size += more
      if (owned[next]) ownBytes -= more
      next++
    }
    bytes -= size
    const texts = waiting.slice(from, next)
    return texts.length === 1 ? (texts[0] as string) : `[${texts.join()}]`
  }

  /** Hands over what waits, as much as the socket may hold. */
  const pump = (): void => {
    while (next < waiting.length && socket.bufferedAmount <= maxBufferedBytes) write(takeFrame())
    if (next === waiting.length) return clear()
    if (next > waiting.length / 2) {
      waiting = waiting.slice(next)
      owned = owned.slice(next)
      next = 0
    }
    isBlocked = true
    look()
  }

  /** Looks now and then whether the client reads, as long as something waits for that. */
  const look = (): void => {
    if (timers.has('slow')) return
    let before = taken()
    let mustTake = before + backlog()
    let idle = 0
    let full = 0
    let ownFull = 0
    const isTooSlow = (now: number): boolean => {
      idle = now > before ? 0 : idle + 1
      before = now
      ownFull = ownBytes > maxBufferedBytes ? ownFull + 1 : 0
      if (!isFull()) return idle >= STUCK_LOOKS
      full++
      return idle >= IDLE_LOOKS || ownFull >= IDLE_LOOKS || (full >= FULL_LOOKS && now < mustTake)
    }
    const arm = (): void =>
      timers.set('slow', LOOK_MS, () => {
        const now = taken()
        if (isTooSlow(now)) return hooks.tooSlow()
        if (!isBlocked && !waiters.length) return
        if (!isFull() || now >= mustTake) {
          full = 0
          mustTake = now + backlog()
        }
        arm()
      })
    arm()
  }

  return {
    isBusy,
    isFull,
    async room() {
      pump()
      if (!isBusy()) return
      look()
      await new Promise<void>(resolve => waiters.push(resolve))
    },
    written() {
      if (isBlocked) pump()
      if (!waiters.length || isBusy()) return
      for (const resolve of waiters.splice(0)) resolve()
    },
    deliver(text, own = false) {
      if (isBlocked || socket.bufferedAmount > maxBufferedBytes) {
        push(text, own)
        isBlocked = true
        if (backlog() > MOST_BUFFERS * maxBufferedBytes) hooks.tooSlow()
        else look()
        return
      }
      // An idle link carries its message at once; what comes right behind it travels together.
      if (!joins || !timers.has('join')) {
        write(text)
        if (joins) timers.set('join', JOIN_MS, pump)
        return
      }
      if (bytes + Buffer.byteLength(text) + 1 > maxPayload) pump()
      push(text, own)
    },
    flush() {
      pump()
      clear()
      timers.clear('slow')
    },
    join() {
      joins = true
    },
  }
}
