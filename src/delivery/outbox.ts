/** Messages on their way out: queued, bounded, paced, and each with its fate. */
import type { Environment } from '../environment.ts'
import type { Timers } from '../timers.ts'
import type { Frame } from '../transport/transport.ts'
import type { OpenDelivery, RejectReason } from './delivery.ts'

/** One message that waits. */
export interface Outgoing<Message> {
  readonly delivery: OpenDelivery
  readonly message: Message
  readonly frame: Frame
  readonly bytes: number
  /** Monotonic ms, or Infinity. */
  readonly expiresAt: number
  /** It is settled: nothing outside need hold on to it. */
  release(): void
}

export interface OutboxHooks<Message> {
  readonly environment: Environment
  readonly timers: Timers
  readonly limit: number
  readonly maxBytes: number
  readonly ratePerSecond: number
  /** Hands a frame to the link. Throws if it certainly did not leave. */
  write(frame: Frame): void
  /** False while the link must not be written to; `pump()` is called when that is over. */
  writable(): boolean
  bufferedBytes(): number
  settled(entry: Outgoing<Message>): void
}

export interface Outbox<Message> {
  add(entry: Outgoing<Message>, high: boolean): void
  /** A control message: before all others, within the same rate. Lost with the link. */
  control(frame: Frame): void
  /** Takes back what has not been sent. */
  withdraw(entry: Outgoing<Message>): void
  /** What the server takes: messages a second (the lower of its rate and ours) and bytes a message. */
  limit(ratePerSecond?: number, maxPayload?: number): void
  /** A link is ready. */
  open(): void
  /** The link is gone: what was not sent waits for the next. */
  close(): void
  /** Nothing leaves for so long. */
  pause(delayMs: number): void
  pump(): void
  /** Rejects everything that waits. */
  rejectAll(reason: RejectReason): void
  size(): number
}

/** More than this unsent in the socket, and the rest waits here, where it is counted and kept. */
const HIGH_WATER_BYTES = 1_048_576
const LOOK_AGAIN_MS = 50
const ENDLESS: number = Number.POSITIVE_INFINITY

export const createOutbox = <Message>(hooks: OutboxHooks<Message>): Outbox<Message> => {
  const { environment, timers, ratePerSecond } = hooks
  const now = environment.monotonicNow
  let high: Outgoing<Message>[] = []
  let normal: Outgoing<Message>[] = []
  let controls: Frame[] = []
  let bytes = 0
  let open = false
  let rate = ratePerSecond
  let largest = ENDLESS
  let tokens = 0
  let refilledAt = 0
  let pausedUntil = 0
  /** No message expires earlier. */
  let nextExpiry = ENDLESS
  let pumping = false

  const all = (): Outgoing<Message>[] => [...high, ...normal]
  const size = (): number => high.length + normal.length
  const burst = (): number => Math.max(rate, 1)

  /** A final state; a reason means that it was rejected. */
  const settle = (entry: Outgoing<Message>, reason?: RejectReason): void => {
    const others = (each: Outgoing<Message>): boolean => each !== entry
    const { delivery } = entry
    // The head leaves far more often than any other.
    if (normal[0] === entry) normal.shift()
    else {
      high = high.filter(others)
      normal = normal.filter(others)
    }
    bytes -= entry.bytes
    delivery.state = reason ? 'rejected' : 'sent'
    delivery.reason = reason
    delivery.settle()
    hooks.settled(entry)
  }

  const expire = (): void => {
    if (nextExpiry > now()) return
    nextExpiry = ENDLESS
    for (const entry of all()) {
      if (entry.expiresAt <= now()) settle(entry, 'expired')
      else nextExpiry = Math.min(nextExpiry, entry.expiresAt)
    }
  }

  /** How long to wait before the next message may leave, in ms. */
  const delay = (): number => {
    const time = now()
    if (pausedUntil > time) return pausedUntil - time
    if (hooks.bufferedBytes() > HIGH_WATER_BYTES) return LOOK_AGAIN_MS
    tokens = Math.min(burst(), tokens + ((time - refilledAt) / 1000) * rate)
    refilledAt = time
    // A hair less than one whole token is one: timers and division round.
    return tokens > 0.9999 ? 0 : ((1 - tokens) / rate) * 1000
  }

  const pump = (): void => {
    if (pumping) return
    pumping = true
    let wait = ENDLESS
    expire()
    while (open && (controls.length || size()) && hooks.writable()) {
      const entry = controls.length ? undefined : (high[0] ?? normal[0])
      if (entry && entry.bytes > largest) {
        settle(entry, 'invalid')
        continue
      }
      wait = delay()
      if (wait) break
      try {
        hooks.write((entry ? entry.frame : controls[0]) as Frame)
      } catch {
        // It certainly did not leave: it stays, for this link or the next.
        wait = LOOK_AGAIN_MS
        break
      }
      tokens--
      wait = ENDLESS
      if (entry) {
        entry.delivery.attempts++
        settle(entry)
      } else controls.shift()
    }
    pumping = false
    wait = Math.min(wait, nextExpiry - now())
    if (wait < ENDLESS) timers.set('outbox', wait, pump)
    else timers.clear('outbox')
  }

  return {
    add(entry, urgent) {
      const queue = urgent ? high : normal
      queue.push(entry)
      bytes += entry.bytes
      if (entry.bytes > hooks.maxBytes) return settle(entry, 'overflow')
      nextExpiry = Math.min(nextExpiry, entry.expiresAt)
      pump()
      // What is urgent is given up last.
      while (size() > hooks.limit || bytes > hooks.maxBytes) {
        settle((normal[0] ?? high[0]) as Outgoing<Message>, 'overflow')
      }
    },
    control(frame) {
      controls.push(frame)
      pump()
    },
    withdraw(entry) {
      if (all().includes(entry)) settle(entry, 'expired')
    },
    limit(perSecond = ENDLESS, maxPayload = ENDLESS) {
      rate = Math.min(perSecond, ratePerSecond, 1e9)
      largest = maxPayload
      tokens = Math.min(tokens, burst())
    },
    open() {
      open = true
      tokens = burst()
      refilledAt = now()
      pausedUntil = 0
    },
    close() {
      open = false
      controls = []
    },
    pause(delayMs) {
      pausedUntil = now() + delayMs
      pump()
    },
    pump,
    rejectAll(reason) {
      for (const entry of all()) settle(entry, reason)
    },
    size,
  }
}
