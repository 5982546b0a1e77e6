/** Messages on their way out: queued, bounded, paced, kept until acknowledged, and each with its fate. */
import type { Environment } from '../environment.ts'
import type { Timers } from '../timers.ts'
import type { Frame } from '../transport/transport.ts'
import type { DeliveryState, OpenDelivery, RejectReason } from './delivery.ts'
import { createPace } from './pace.ts'

/** One message that waits. */
export interface Outgoing<Message> {
  readonly delivery: OpenDelivery
  readonly message: Message
  readonly frame: Frame
  readonly bytes: number
  /** Its type belongs to the protocol: it must have no place. */
  readonly reserved: boolean
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
  readonly retries: number
  readonly maxInFlight: number
  /** Hands a frame to the link. Throws if it certainly did not leave. */
  write(frame: Frame): void
  /** False while the link must not be written to; `pump()` is called when that is over. */
  writable(): boolean
  bufferedBytes(): number
  /** There is no link; what waits may go another way, by `take()`. */
  post(): void
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
  /** A link is ready. On one with acks messages are kept until acknowledged, so many at a time. */
  open(acks: number | undefined): void
  /** The link, or what was taken, is lost: what is not acknowledged waits for the next. */
  close(): void
  /** Nothing leaves for so long; then it goes on from the last ack. */
  pause(delayMs: number): void
  pump(): void
  /** Settles what cannot be posted; listeners hear of it, and may do anything. */
  prepare(): void
  /** Takes everything that is to be posted at once, within the same rules. Runs no listener. */
  take(): readonly string[]
  /** Everything up to here is applied. False if it was never sent. */
  acked(seq: number): boolean
  /** The message at this place is refused, or `unknown` where there is no reason; its place is used up. */
  refuse(seq: number, reason: RejectReason | undefined): void
  /**
   * The link was closed because the largest message sent on it was too large: rejects that once the server
   * has said that it did not apply it.
   */
  refuseLargest(): void
  /** What was taken is more than the server takes at once: it goes alone from now on, or not at all. */
  takeLess(): void
  /** What is in flight is in nobody's hands, and numbering begins anew. */
  lost(): void
  /** Rejects everything that waits; what is in flight becomes unknown. */
  rejectAll(reason: RejectReason): void
  size(): number
  /** Something waits to be sent, or to be acknowledged. */
  waiting(): boolean
}

/** More than this unsent in the socket, and the rest waits here, where it is counted and kept. */
const HIGH_WATER_BYTES = 1_048_576
const LOOK_AGAIN_MS = 50
/** Frames and bodies are joined up to so many characters, which are three bytes each at most. */
const JOINED = 21_000
/** What a place in the sequence adds to a frame at most, in bytes. */
export const PLACE_BYTES = 24
const ENDLESS: number = Number.POSITIVE_INFINITY

/** A place in the sequence; without an entry it is given up. */
interface Placed<Message> {
  readonly seq: number
  entry: Outgoing<Message> | undefined
  /** Links it was lost with. */
  losses: number
  tooLarge?: boolean
}

export const createOutbox = <Message>(hooks: OutboxHooks<Message>): Outbox<Message> => {
  const { environment, timers, ratePerSecond, maxInFlight } = hooks
  const now = environment.monotonicNow
  const pace = createPace(ratePerSecond, now)
  let high: Outgoing<Message>[] = []
  let normal: Outgoing<Message>[] = []
  let controls: Frame[] = []
  /** Of everything that is not settled. */
  let bytes = 0
  let open = false
  let largest = ENDLESS
  /** Characters that a body joins, at most. */
  let joined = JOINED
  /** Messages that a body holds, at most: what got no answer in time was perhaps too much for its time. */
  let most = ENDLESS
  /** No message expires earlier. */
  let nextExpiry = ENDLESS
  let pumping = false
  /** What has a place and is not acknowledged, in order; so much of it was sent on this link. */
  let flight: Placed<Message>[] = []
  let sent = 0
  let lastSeq = 0
  /** Something in flight is taken for too large. */
  let suspects = false
  /** Something may wait that cannot go. */
  let unsettled = false
  /** How much may be in flight; undefined on a link without acks. */
  let acks: number | undefined

  const all = (): Outgoing<Message>[] => [...high, ...normal]
  const size = (): number => high.length + normal.length

  const conclude = (
    entry: Outgoing<Message> | undefined,
    state: DeliveryState,
    reason?: RejectReason,
  ): void => {
    if (!entry) return
    const { delivery } = entry
    // A listener that hears of one may have taken back the next.
    if (delivery.state !== 'queued' && delivery.state !== 'in-flight') return
    bytes -= entry.bytes
    delivery.state = state
    delivery.reason = reason
    delivery.settle()
    hooks.settled(entry)
  }

  /** Settles what has a place, which stays used up. */
  const giveUp = (
    place: Placed<Message> | undefined,
    state: DeliveryState,
    reason?: RejectReason,
  ): void => {
    const entry = place?.entry
    if (place) place.entry = undefined
    conclude(entry, state, reason)
  }

  const dequeue = (entry: Outgoing<Message>): void => {
    const others = (each: Outgoing<Message>): boolean => each !== entry
    // The head leaves far more often than any other.
    if (normal[0] === entry) normal.shift()
    else {
      high = high.filter(others)
      normal = normal.filter(others)
    }
  }

  const reject = (entry: Outgoing<Message>, reason: RejectReason): void => {
    dequeue(entry)
    conclude(entry, 'rejected', reason)
  }

  const expire = (): void => {
    if (nextExpiry > now()) return
    nextExpiry = ENDLESS
    for (const entry of all()) {
      if (entry.expiresAt <= now()) reject(entry, 'expired')
      else nextExpiry = Math.min(nextExpiry, entry.expiresAt)
    }
  }

  /** How long to wait before the next message may leave, in ms. */
  const delay = (): number => {
    const wait = pace.delay()
    return open && hooks.bufferedBytes() > HIGH_WATER_BYTES ? Math.max(wait, LOOK_AGAIN_MS) : wait
  }

  /** It is one that the server takes. */
  const fits = ({ bytes, reserved }: Outgoing<Message>): boolean =>
    bytes + (acks ? PLACE_BYTES : 0) <= largest && !(acks && reserved)

  /**
   * Settles what cannot go, before anything is taken: a listener that hears of it in the midst of that may end the
   * link, and what was taken and not written yet would count as lost with it.
   */
  const settle = (): void => {
    expire()
    // A listener may send another one that cannot go.
    while (unsettled) {
      unsettled = false
      for (const each of [...flight]) if (each.losses > hooks.retries) giveUp(each, 'unknown')
      for (const entry of all()) if (!fits(entry)) reject(entry, 'invalid')
    }
  }

  /** The next message that was never sent. */
  const head = (): Outgoing<Message> | undefined => high[0] ?? normal[0]

  /** Something has or can get a place on this link: what was sent on older ones first, then what is new. */
  const isDue = (): boolean =>
    sent < flight.length || (flight.length < (acks as number) && head() !== undefined)

  /** How many characters the frame of the next place will have, about. */
  const nextLength = (): number => {
    const entry = sent < flight.length ? flight[sent]?.entry : head()
    return ((entry?.frame as string | undefined)?.length ?? 0) + PLACE_BYTES
  }

  /** The frame of the next place. */
  const place = (): string => {
    if (sent === flight.length) {
      const entry = head() as Outgoing<Message>
      dequeue(entry)
      entry.delivery.state = 'in-flight'
      flight.push({ seq: ++lastSeq, entry, losses: 0 })
    }
    const next = flight[sent++] as Placed<Message>
    const { seq, losses } = next
    if (!next.entry) return `{"type":"skip","data":{"seq":${seq}}}`
    next.entry.delivery.attempts = losses + 1
    return `{"seq":${seq},${(next.entry.frame as string).slice(1)}`
  }

  /** Writes what may leave on a link with acks, joined into few frames; returns how long the rest has to wait. */
  const writeJoined = (): number => {
    let frames: Frame[] = []
    let length = 0
    let wait = ENDLESS
    const flush = (): void => {
      const [first] = frames
      if (first) hooks.write(frames.length > 1 ? `[${frames}]` : first)
      frames = []
      length = 0
    }
    while (open && (controls[0] || isDue())) {
      wait = delay()
      if (wait) break
      wait = ENDLESS
      pace.spend()
      const frame = controls.shift() ?? place()
      // With a comma or a bracket.
      const more = (frame as string).length + 1
      if (length + more >= Math.min(largest / 3, JOINED)) flush()
      length += more
      frames.push(frame)
    }
    flush()
    return wait
  }

  /** The same on one without: singly, and out of our hands once written. */
  const writeSingly = (): number => {
    while (open && (controls[0] || head())) {
      settle()
      if (!open || !(controls[0] || head())) break
      const wait = delay()
      if (wait) return wait
      const entry = controls[0] ? undefined : head()
      hooks.write(entry?.frame ?? (controls[0] as Frame))
      pace.spend()
      if (entry) {
        entry.delivery.attempts++
        dequeue(entry)
        conclude(entry, 'sent')
      } else controls.shift()
    }
    return ENDLESS
  }

  const again = (wait: number): void => {
    const until = Math.min(wait, nextExpiry - now())
    if (until < ENDLESS) timers.set('outbox', until, pump)
    else timers.clear('outbox')
  }

  const pump = (): void => {
    if (pumping) return
    pumping = true
    let wait = ENDLESS
    // Without a link nobody has said yet what of it was applied.
    if (open) settle()
    else expire()
    try {
      if (open && hooks.writable()) wait = acks === undefined ? writeSingly() : writeJoined()
    } catch {
      // What was not written stays, and what has a place goes out again: on this link or the next.
      wait = LOOK_AGAIN_MS
      sent = 0
    }
    pumping = false
    again(wait)
    if (!open) hooks.post()
  }

  const settleFlight = (): void => {
    const gone = flight
    flight = []
    sent = lastSeq = 0
    for (const each of gone) giveUp(each, 'unknown')
  }

  return {
    add(entry, urgent) {
      const queue = urgent ? high : normal
      queue.push(entry)
      unsettled ||= !fits(entry)
      bytes += entry.bytes
      if (entry.bytes > hooks.maxBytes) return reject(entry, 'overflow')
      pump()
      // Expires only if it could not leave at once, even if it may not wait at all.
      if (entry.delivery.state === 'queued' && entry.expiresAt < nextExpiry) {
        nextExpiry = entry.expiresAt
        pump()
      }
      // What is urgent is given up last.
      while (size() && (size() > hooks.limit || bytes > hooks.maxBytes)) {
        reject((normal[0] ?? high[0]) as Outgoing<Message>, 'overflow')
      }
    },
    control(frame) {
      controls.push(frame)
      pump()
    },
    withdraw(entry) {
      if (all().includes(entry)) reject(entry, 'expired')
    },
    limit(perSecond = ENDLESS, maxPayload = ENDLESS) {
      pace.limit(Math.min(perSecond, ratePerSecond))
      largest = maxPayload
      unsettled = true
    },
    open(atMost) {
      open = unsettled = true
      acks = atMost && Math.min(atMost, maxInFlight)
      most = ENDLESS
      joined = JOINED
      sent = 0
      pace.renew()
      // A server without sessions knows nothing of what the one before was sent.
      if (!acks) settleFlight()
    },
    close() {
      if (!open && sent) most = Math.ceil(sent / 2)
      open = false
      controls = []
      for (const each of flight.slice(0, sent)) each.losses++
      sent = 0
      unsettled = true
    },
    pause(delayMs) {
      pace.pause(delayMs)
      sent = 0
      pump()
    },
    pump,
    prepare() {
      unsettled ||= acks === undefined
      acks ??= maxInFlight
      // Its timer may be late, after a freeze.
      settle()
    },
    take() {
      const frames: string[] = []
      let length = 0
      let wait = 0
      sent = 0
      while (frames.length < most && isDue()) {
        // What is due next would make the body too large: it goes with the one after this.
        if (length && length + nextLength() > joined) break
        wait = delay()
        if (wait) break
        pace.spend()
        const frame = place()
        length += frame.length
        frames.push(frame)
      }
      again(wait || ENDLESS)
      return frames
    },
    acked(seq) {
      if (seq > lastSeq) return false
      most *= 2
      while (flight[0] && flight[0].seq <= seq) {
        const { entry } = flight.shift() as Placed<Message>
        sent = Math.max(0, sent - 1)
        conclude(entry, 'acked')
      }
      if (suspects)
        for (const each of flight) if (each.tooLarge) giveUp(each, 'rejected', 'invalid')
      suspects = false
      pump()
      return true
    },
    refuse: (seq, reason) =>
      giveUp(
        flight.find(each => each.seq === seq),
        reason ? 'rejected' : 'unknown',
        reason,
      ),
    takeLess() {
      if (sent > 1) joined = 0
      else if (sent && flight[0]?.entry) giveUp(flight[0], 'rejected', 'invalid')
      else return
      sent = 0
      pump()
    },
    refuseLargest() {
      const [largestPlace] = flight
        .slice(0, sent)
        .filter(({ entry }) => entry)
        .sort((a, b) => (b.entry?.bytes ?? 0) - (a.entry?.bytes ?? 0))
      if (!largestPlace) return
      largestPlace.tooLarge = suspects = true
    },
    lost: settleFlight,
    rejectAll(reason) {
      // Not what listeners send when they hear of it.
      const waiting = all()
      settleFlight()
      for (const entry of waiting) reject(entry, reason)
    },
    size,
    waiting: () => size() + flight.length > 0,
  }
}
