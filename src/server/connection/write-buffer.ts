/** Frames on their way to one client: joined under load, and bounded. */
import type { ServerTimers } from '../environment.ts'
import type { JoinWindow } from './join-window.ts'
import type { ServerSocket } from './server-socket.ts'
import { type ReadProgress, watchReader } from './slow-consumer.ts'

export interface WriteBufferDeps {
  readonly socket: ServerSocket
  readonly timers: ServerTimers
  readonly joinWindow: JoinWindow
  readonly maxPayload: number
  readonly maxBufferedBytes: number
  /** The client does not read fast enough, or more waits for it than the server can keep. */
  onTooSlow(): void
}

/** More than this many times `maxBufferedBytes` never waits for one client, not even between two looks. */
const MAX_BUFFERS = 64
/** Bytes that WebSocket adds to a frame. */
const FRAME_OVERHEAD_BYTES = 16

/** Messages that wait, from `next` on. */
interface Queue {
  messages: Buffer[]
  /** For each message, whether it was made for this client alone. */
  owned: boolean[]
  next: number
  bytes: number
  ownBytes: number
}

/** A class, since every connection has one: methods on the prototype cost it nothing. */
export class WriteBuffer implements ReadProgress {
  readonly #deps: WriteBufferDeps
  /** Made when the first message has to wait. */
  #queue: Queue | undefined
  #joins = false
  /** The join window in which a message has gone out alone; those behind it wait for the window's end. */
  #writtenIn = -1
  /** The join window at whose end `pump` is called. */
  #addedTo = -1
  /** The socket holds as much as it may; the queue follows when something of that has left. */
  #blocked = false
  #givenBytes = 0
  #waiters: (() => void)[] | undefined
  #patientWaiters: (() => void)[] | undefined
  #onWritten: (() => void) | undefined

  constructor(deps: WriteBufferDeps) {
    this.#deps = deps
  }

  /** From now on the client reads arrays of messages. */
  enableArrays(): void {
    this.#joins = true
  }

  /** More than half of `maxBufferedBytes` waits: replay and conflated channels should pause. */
  aboveLowWater(): boolean {
    return this.waitingBytes() > this.#deps.maxBufferedBytes / 2
  }

  /** More than `maxBufferedBytes` waits. */
  aboveHighWater(): boolean {
    return this.waitingBytes() > this.#deps.maxBufferedBytes
  }

  takenBytes(): number {
    return this.#givenBytes - this.#deps.socket.bufferedAmount
  }

  waitingBytes(): number {
    return this.#deps.socket.bufferedAmount + (this.#queue?.bytes ?? 0)
  }

  ownBytes(): number {
    return this.#queue?.ownBytes ?? 0
  }

  isWaiting(): boolean {
    return this.#blocked || this.#waiters !== undefined
  }

  /** Resolves when it is below the low water again. A client that takes nothing meanwhile is too slow. */
  async drained(): Promise<void> {
    this.pump()
    if (!this.aboveLowWater()) return
    this.#watch()
    await new Promise<void>(resolve => {
      this.#waiters ??= []
      this.#waiters.push(resolve)
    })
  }

  /** Calls `run` once it is below the low water again, however long the client takes. */
  whenDrained(run: () => void): void {
    this.pump()
    if (!this.aboveLowWater()) return run()
    this.#patientWaiters ??= []
    this.#patientWaiters.push(run)
  }

  /** Sends one message, as JSON. `own`: it was made for this client alone. */
  deliver(message: Buffer, own = false): void {
    const { socket, joinWindow, maxPayload, maxBufferedBytes } = this.#deps
    const buffered = socket.bufferedAmount
    if (this.#blocked || buffered > maxBufferedBytes) {
      this.#push(message, own)
      this.#blocked = true
      if (this.waitingBytes() > MAX_BUFFERS * maxBufferedBytes) this.#deps.onTooSlow()
      else this.#watch()
      return
    }
    if (!this.#joins) return this.#write(message, buffered)
    // An idle connection sends its message at once; those right behind it travel together.
    if (this.#writtenIn !== joinWindow.current()) {
      this.#write(message, buffered)
      this.#writtenIn = joinWindow.open()
      return
    }
    if (this.#queue && this.#queue.bytes + message.length + 1 > maxPayload) this.pump()
    this.#push(message, own)
    if (this.#addedTo === this.#writtenIn) return
    this.#addedTo = this.#writtenIn
    joinWindow.add(this)
  }

  /** Writes waiting messages, as many as the socket may hold. */
  pump(): void {
    const { socket, maxBufferedBytes } = this.#deps
    const queue = this.#queue
    if (queue) {
      while (queue.next < queue.messages.length) {
        const buffered = socket.bufferedAmount
        if (buffered > maxBufferedBytes) return this.#block(queue)
        this.#write(this.#takeFrame(queue), buffered)
      }
      this.#clear()
    }
    this.#wake()
  }

  /** Writes waiting messages, and drops what the socket may not hold. */
  flush(): void {
    this.pump()
    this.#clear()
    this.#deps.timers.clear('slow')
  }

  #write(frame: Buffer, buffered: number): void {
    const { socket, maxBufferedBytes } = this.#deps
    if (!socket.isOpen()) return
    this.#givenBytes += frame.length
    // Nobody waits below the low water, and a callback a frame is not free.
    if (buffered + frame.length + FRAME_OVERHEAD_BYTES <= maxBufferedBytes / 2) {
      return socket.send(frame)
    }
    this.#onWritten ??= () => {
      if (this.#blocked) this.pump()
      else this.#wake()
    }
    socket.send(frame, this.#onWritten)
  }

  #push(message: Buffer, own: boolean): void {
    this.#queue ??= { messages: [], owned: [], next: 0, bytes: 0, ownBytes: 0 }
    const queue = this.#queue
    const size = message.length + 1
    queue.messages.push(message)
    queue.owned.push(own)
    queue.bytes += size
    if (own) queue.ownBytes += size
  }

  /** The next frame of the queue. */
  #takeFrame(queue: Queue): Buffer {
    const { messages, owned } = queue
    const { joinWindow, maxPayload } = this.#deps
    const from = queue.next
    let size = 0
    while (queue.next < messages.length) {
      const more = (messages[queue.next] as Buffer).length + 1
      if (queue.next > from && (!this.#joins || size + more > maxPayload)) break
      size += more
      if (owned[queue.next]) queue.ownBytes -= more
      queue.next++
    }
    queue.bytes -= size
    if (queue.next - from === 1) return messages[from] as Buffer
    return joinWindow.join(messages.slice(from, queue.next))
  }

  #block(queue: Queue): void {
    if (queue.next > queue.messages.length / 2) {
      queue.messages = queue.messages.slice(queue.next)
      queue.owned = queue.owned.slice(queue.next)
      queue.next = 0
    }
    this.#blocked = true
    this.#watch()
  }

  #clear(): void {
    this.#queue = undefined
    this.#blocked = false
  }

  #wake(): void {
    if ((!this.#waiters && !this.#patientWaiters) || this.aboveLowWater()) return
    const waiters = [...(this.#waiters ?? []), ...(this.#patientWaiters ?? [])]
    this.#waiters = undefined
    this.#patientWaiters = undefined
    for (const run of waiters) run()
  }

  #watch(): void {
    const { timers, maxBufferedBytes, onTooSlow } = this.#deps
    if (!timers.has('slow')) watchReader(this, maxBufferedBytes, timers, onTooSlow)
  }
}
