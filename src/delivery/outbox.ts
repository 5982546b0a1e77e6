/** Messages on their way out: queued, bounded, paced, kept until acknowledged, and each with its fate. */

import { createFifo } from '../shared/fifo.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { createPace } from '../shared/token-bucket.ts'
import { type Frame, FrameRefused } from '../transport/transport.ts'
import { createDeadlines } from './deadlines.ts'
import type { DeliveryState, OpenDelivery, RejectReason } from './delivery.ts'
import { createQueue } from './queue.ts'

/** One message that waits. */
export interface Outgoing<Message> {
  readonly delivery: OpenDelivery
  readonly message: Message
  readonly frame: Frame
  readonly bytes: number
  /** Its type belongs to the protocol: it must have no place. */
  readonly reserved: boolean
  /** It takes no place: it leaves on a link only, and is `sent` then. */
  readonly unplaced: boolean
  /** Monotonic ms, or Infinity. */
  readonly expiresAt: number
  /** It is settled: nothing outside need hold on to it. */
  release(): void
  /** Takes it out of its queue. The outbox's own, while it waits there. */
  leave?: (() => void) | undefined
  /** Its number among all that were added; 0: it is urgent. The outbox's own. */
  order?: number
}

export interface OutboxHooks<Message> {
  readonly environment: Environment
  readonly timers: Timers
  readonly limit: number
  readonly maxBytes: number
  readonly ratePerSecond: number
  readonly retries: number
  readonly maxInFlight: number
  /**
   * Hands a frame to the link. Throws if it certainly did not leave: a `FrameRefused` where a live link will not have
   * this frame, anything else where the link takes none.
   */
  write(frame: Frame): void
  /** False while the link must not be written to; `pump()` is called when that is over. */
  writable(): boolean
  bufferedBytes(): number
  /** There is no link; what waits may go another way, by `take()`. */
  post(): void
  settled(entry: Outgoing<Message>): void
  /** A live link would not have a frame, which is given up; `cause` is what the socket threw. */
  refused(cause: unknown): void
  /** A message with a `seq` of the application's gets that of the session instead. */
  seqReplaced(): void
}

export interface Outbox<Message> {
  add(entry: Outgoing<Message>, high: boolean): void
  /** A control message: before all others, within the same rate. Lost with the link. */
  control(frame: Frame): void
  /** Takes back what has not been sent. False if it was, or is settled. */
  withdraw(entry: Outgoing<Message>): boolean
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

/** A frame to be joined with others; a control frame has no place. */
interface Piece<Message> {
  readonly frame: Frame
  readonly placed?: Placed<Message>
}

/** How a message begins that has a `seq` of the application's. */
const OWN_SEQ = '{"seq":'

const withoutSeq = (frame: string): string => {
  const { seq, ...others } = JSON.parse(frame) as Record<string, unknown>
  return JSON.stringify(others)
}

export const createOutbox = <Message>(hooks: OutboxHooks<Message>): Outbox<Message> => {
  const { environment, timers, ratePerSecond, maxInFlight } = hooks
  const now = environment.monotonicNow
  const pace = createPace(ratePerSecond, now)
  const high = createQueue<Outgoing<Message>>()
  const normal = createQueue<Outgoing<Message>>()
  /** Messages that no session numbers. */
  const unplaced = createQueue<Outgoing<Message>>()
  const controls = createFifo<Frame>()
  /** Of everything that is not settled. */
  let bytes = 0
  let open = false
  let largest = ENDLESS
  /** Characters that a body joins, at most. */
  let joined = JOINED
  /** Messages that a body holds, at most: what got no answer in time was perhaps too much for its time. */
  let most = ENDLESS
  const deadlines = createDeadlines<Outgoing<Message>>(
    entry => entry.expiresAt,
    entry => entry.leave !== undefined,
  )
  /** How many were. */
  let added = 0
  let pumping = false
  /** What has a place and is not acknowledged, in order; so much of it was sent on this link. */
  let flight = createFifo<Placed<Message>>()
  let sent = 0
  let lastSeq = 0
  /** Something in flight is taken for too large. */
  let suspects = false
  /** Something may wait that cannot go. */
  let unsettled = false
  /** How much may be in flight; undefined on a link without acks. */
  let acks: number | undefined

  const all = (): Outgoing<Message>[] => [...high, ...normal, ...unplaced]
  const size = (): number => high.size + normal.size + unplaced.size

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
    entry.leave?.()
    entry.leave = undefined
  }

  const reject = (entry: Outgoing<Message>, reason: RejectReason): void => {
    dequeue(entry)
    conclude(entry, 'rejected', reason)
  }

  const expire = (): void => {
    for (let entry = deadlines.first(); entry; entry = deadlines.first()) {
      if (entry.expiresAt <= now()) reject(entry, 'expired')
      else return
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
      for (const each of flight.slice()) if (each.losses > hooks.retries) giveUp(each, 'unknown')
      for (const entry of all()) if (!fits(entry)) reject(entry, 'invalid')
    }
  }

  /** The next message that was never sent. */
  const head = (): Outgoing<Message> | undefined => high.first() ?? normal.first()

  /** The oldest that was never sent, but for what is urgent and has a place. */
  const oldest = (): Outgoing<Message> | undefined => {
    const placed = normal.first()
    const other = unplaced.first()
    return placed && other && (placed.order as number) < (other.order as number)
      ? placed
      : (other ?? placed)
  }

  /** Something has or can get a place on this link: what was sent on older ones first, then what is new. */
  const isDue = (): boolean =>
    sent < flight.length || (flight.length < (acks as number) && head() !== undefined)

  /** How many characters the frame of the next place will have, about. */
  const nextLength = (): number => {
    const entry = sent < flight.length ? flight.at(sent)?.entry : head()
    return ((entry?.frame as string | undefined)?.length ?? 0) + PLACE_BYTES
  }

  /** The frame of the next place. */
  const place = (): { readonly frame: string; readonly placed: Placed<Message> } => {
    if (sent === flight.length) {
      const entry = head() as Outgoing<Message>
      dequeue(entry)
      entry.delivery.state = 'in-flight'
      flight.push({ seq: ++lastSeq, entry, losses: 0 })
    }
    const next = flight.at(sent++) as Placed<Message>
    const { seq, losses } = next
    if (!next.entry) return { frame: `{"type":"skip","data":{"seq":${seq}}}`, placed: next }
    next.entry.delivery.attempts = losses + 1
    let frame = next.entry.frame as string
    if (frame.startsWith(OWN_SEQ)) {
      frame = withoutSeq(frame)
      hooks.seqReplaced()
    }
    return { frame: `{"seq":${seq},${frame.slice(1)}`, placed: next }
  }

  /** Why a live link will not have this frame, if it will not. */
  const refusalOf = (frame: Frame): FrameRefused | undefined => {
    try {
      hooks.write(frame)
    } catch (thrown) {
      if (thrown instanceof FrameRefused) return thrown
      throw thrown
    }
    return undefined
  }

  /** What a live link would not have, until listeners may hear of it. */
  let refusals: { readonly placed: Placed<Message> | undefined; readonly cause: unknown }[] = []

  /** Writes them alone. False if one of them is refused whose place those behind it need. */
  const writeAlone = (pieces: readonly Piece<Message>[]): boolean => {
    for (const { frame, placed } of pieces) {
      const refusal = refusalOf(frame)
      if (!refusal) continue
      // There is nothing else to say in its place.
      if (placed && !placed.entry) throw refusal
      refusals.push({ placed, cause: refusal.cause })
      if (!placed) continue
      sent = placed.seq - (flight.at(0) as Placed<Message>).seq
      return false
    }
    return true
  }

  /** Writes one that nothing acknowledges: it is out of our hands once written. */
  const writeUnacked = (entry: Outgoing<Message>): void => {
    const refusal = refusalOf(entry.frame)
    pace.spend()
    dequeue(entry)
    if (refusal) {
      conclude(entry, 'rejected', 'invalid')
      hooks.refused(refusal.cause)
    } else {
      entry.delivery.attempts++
      conclude(entry, 'sent')
    }
  }

  /** Writes what may leave on a link with acks, joined into few frames; returns how long the rest has to wait. */
  const writeJoined = (): number => {
    let pieces: Piece<Message>[] = []
    let length = 0
    const flush = (): boolean => {
      const due = pieces
      pieces = []
      length = 0
      const all = due.length > 1 && `[${due.map(({ frame }) => frame)}]`
      return (all && !refusalOf(all)) || writeAlone(due)
    }
    while (open && (controls.length || unplaced.size || isDue())) {
      const wait = delay()
      if (wait) {
        flush()
        return wait
      }
      const unacked = controls.length ? undefined : unplaced.first()
      if (unacked) {
        // First what was taken: listeners hear of this one, and may end the link or send what cannot go.
        if (!flush()) return ENDLESS
        writeUnacked(unacked)
        settle()
        continue
      }
      pace.spend()
      const control = controls.at(0)
      const piece = control === undefined ? place() : { frame: control }
      // With a comma or a bracket.
      const more = (piece.frame as string).length + 1
      if (length + more >= Math.min(largest / 3, JOINED) && !flush()) return ENDLESS
      // Only now: what a refused frame holds up stays in the queue.
      if (control !== undefined) controls.shift()
      length += more
      pieces.push(piece)
    }
    flush()
    return ENDLESS
  }

  /** The same on one without: singly, and out of our hands once written. */
  const writeSingly = (): number => {
    const next = (): Outgoing<Message> | undefined => high.first() ?? oldest()
    while (open && (controls.length || next())) {
      settle()
      if (!open || !(controls.length || next())) break
      const wait = delay()
      if (wait) return wait
      const control = controls.at(0)
      const entry = control === undefined ? next() : undefined
      if (entry) writeUnacked(entry)
      else {
        const refusal = refusalOf(control as Frame)
        pace.spend()
        controls.shift()
        if (refusal) hooks.refused(refusal.cause)
      }
    }
    return ENDLESS
  }

  /** Gives up what a live link would not have. Was it sent on an older one, too, nobody knows what became of it. */
  const settleRefusals = (): void => {
    const refused = refusals
    refusals = []
    for (const { placed, cause } of refused) {
      if (placed?.losses) giveUp(placed, 'unknown')
      else giveUp(placed, 'rejected', 'invalid')
      hooks.refused(cause)
    }
  }

  const again = (wait: number): void => {
    const until = Math.min(wait, (deadlines.first()?.expiresAt ?? ENDLESS) - now())
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
      while (open && hooks.writable()) {
        wait = acks === undefined ? writeSingly() : writeJoined()
        if (!refusals[0]) break
        settleRefusals()
        settle()
      }
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
    const gone = flight.slice()
    flight = createFifo()
    sent = lastSeq = 0
    for (const each of gone) giveUp(each, 'unknown')
  }

  return {
    add(entry, urgent) {
      const queue = urgent ? high : normal
      entry.leave = (entry.unplaced ? unplaced : queue).add(entry)
      entry.order = urgent ? 0 : ++added
      bytes += entry.bytes
      if (entry.bytes > hooks.maxBytes) return reject(entry, 'overflow')
      if (!fits(entry)) {
        if (open) return reject(entry, 'invalid')
        unsettled = true
      }
      pump()
      // Expires only if it could not leave at once, even if it may not wait at all.
      if (entry.delivery.state === 'queued' && entry.expiresAt < ENDLESS) {
        deadlines.add(entry)
        if (deadlines.first() === entry) pump()
      }
      // What is urgent is given up last.
      while (size() && (size() > hooks.limit || bytes > hooks.maxBytes)) {
        const first = oldest()
        const given = first?.order ? first : (normal.first() ?? high.first() ?? first)
        reject(given as Outgoing<Message>, 'overflow')
      }
    },
    control(frame) {
      controls.push(frame)
      pump()
    },
    withdraw(entry) {
      const waits = entry.leave !== undefined
      if (waits) reject(entry, 'expired')
      return waits
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
      controls.clear()
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
        const { frame } = place()
        length += frame.length
        frames.push(frame)
      }
      again(wait || ENDLESS)
      return frames
    },
    acked(seq) {
      if (seq > lastSeq) return false
      most *= 2
      for (let first = flight.at(0); first && first.seq <= seq; first = flight.at(0)) {
        flight.shift()
        sent = Math.max(0, sent - 1)
        conclude(first.entry, 'acked')
      }
      if (suspects)
        for (const each of flight.slice()) if (each.tooLarge) giveUp(each, 'rejected', 'invalid')
      suspects = false
      pump()
      return true
    },
    // Places are dense: those behind the head follow it one by one.
    refuse: (seq, reason) =>
      giveUp(flight.at(seq - (flight.at(0)?.seq ?? 0)), reason ? 'rejected' : 'unknown', reason),
    takeLess() {
      if (sent > 1) joined = 0
      else if (sent && flight.at(0)?.entry) giveUp(flight.at(0), 'rejected', 'invalid')
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
    // What takes no place waits for a link, and for nothing else.
    waiting: () => high.size + normal.size + flight.length > 0,
  }
}
