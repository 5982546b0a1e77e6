/** What leaves on one connection: joined into fewer frames under load, and never piling up. */
import type { ServerTimers } from './environment.ts'

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
  /** The client does not read fast enough. */
  tooSlow(): void
}

export interface Outgoing {
  /** Hands over one message as JSON. */
  deliver(text: string): void
  /** So much waits for the client that what can wait had better do so. */
  isBusy(): boolean
  /** More waits than may: whatever is handed over now ends the connection. */
  isFull(): boolean
  /** Resolves when it is not busy any more. A client that takes nothing meanwhile is too slow. */
  room(): Promise<void>
  /** Something that was handed to the socket has left. */
  written(): void
  /** Hands over what still waits. */
  flush(): void
  /** From now on the client reads arrays of messages. */
  join(): void
}

/** A message alone costs a browser about 109 us, one of ten in a frame 19 us. */
const JOIN_MS = 4
/** Who takes nothing for so long does not read. */
const STUCK_MS = 10_000

export const createOutgoing = (hooks: OutgoingHooks): Outgoing => {
  const { socket, timers, maxPayload, maxBufferedBytes } = hooks
  let joins = false
  let waiting: string[] = []
  let bytes = 0
  const waiters: (() => void)[] = []

  const isFull = (): boolean => socket.bufferedAmount > maxBufferedBytes

  const write = (text: string): void => {
    if (!socket.isOpen()) return
    if (isFull()) hooks.tooSlow()
    else socket.send(text)
  }

  const flush = (): void => {
    if (!waiting.length) return
    const texts = waiting
    waiting = []
    bytes = 0
    write(texts.length === 1 ? (texts[0] as string) : `[${texts.join()}]`)
  }

  const isBusy = (): boolean => socket.bufferedAmount + bytes > maxBufferedBytes / 2

  /** Looks now and then whether the client has taken anything. */
  const watch = (): void => {
    const before = socket.bufferedAmount
    timers.set('stuck', STUCK_MS, () => {
      if (socket.bufferedAmount < before) watch()
      else hooks.tooSlow()
    })
  }

  return {
    isBusy,
    isFull,
    async room() {
      flush()
      if (!isBusy()) return
      if (!timers.has('stuck')) watch()
      await new Promise<void>(resolve => waiters.push(resolve))
    },
    written() {
      if (!waiters.length || isBusy()) return
      timers.clear('stuck')
      for (const resolve of waiters.splice(0)) resolve()
    },
    deliver(text) {
      // An idle link carries its message at once; what comes right behind it travels together.
      if (!joins || !timers.has('join')) {
        write(text)
        if (joins) timers.set('join', JOIN_MS, flush)
        return
      }
      const size = Buffer.byteLength(text) + 1
      if (bytes + size > maxPayload) flush()
      waiting.push(text)
      bytes += size
    },
    flush,
    join() {
      joins = true
    },
  }
}
