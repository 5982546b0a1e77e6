/** Writes numbered messages, joined into few frames, to a link of protocol v1. */
import type { Frame } from '../transport/transport.ts'
import type { InFlight, InFlightWindow } from './in-flight.ts'
import type { OutboxCore } from './outbox-core.ts'

/** A frame to be joined with others; a control frame has no `seq`. */
interface Piece<Message> {
  readonly frame: Frame
  readonly inFlight?: InFlight<Message>
}

/** A frame that a live link refused. */
export interface Refusal<Message> {
  readonly inFlight: InFlight<Message> | undefined
  /** What the socket threw. */
  readonly cause: unknown
}

export interface JoinedSender<Message> {
  /** Writes what may leave now; returns how long the rest has to wait, in ms, and Infinity if nothing waits. */
  write(): number
  /** What the link has refused since this was called last. */
  takeRefusals(): readonly Refusal<Message>[]
}

/** Frames are joined up to so many characters, which are three bytes each at most. */
const MAX_FRAME_CHARACTERS = 21_000
const ENDLESS: number = Number.POSITIVE_INFINITY

export const createJoinedSender = <Message>(
  core: OutboxCore<Message>,
  window: InFlightWindow<Message>,
): JoinedSender<Message> => {
  const { queue, controls } = core
  let refusals: Refusal<Message>[] = []

  /** Writes each alone. False if one of them is refused whose `seq` those behind it need. */
  const writeAlone = (pieces: readonly Piece<Message>[]): boolean => {
    for (const { frame, inFlight } of pieces) {
      const refusal = core.write(frame)
      if (!refusal) continue
      // There is nothing else to say in the place of a skip.
      if (inFlight && !inFlight.entry) throw refusal
      refusals.push({ inFlight, cause: refusal.cause })
      if (!inFlight) continue
      window.rewind(inFlight.seq)
      return false
    }
    return true
  }

  const write = (): number => {
    let pieces: Piece<Message>[] = []
    let length = 0
    const flush = (): boolean => {
      const due = pieces
      pieces = []
      length = 0
      const joined = due.length > 1 && `[${due.map(({ frame }) => frame)}]`
      return (joined && !core.write(joined)) || writeAlone(due)
    }
    while (core.link && (controls.length || queue.firstUnsequenced() || window.isDue())) {
      const wait = core.delay()
      if (wait) {
        flush()
        return wait
      }
      const unacked = controls.length ? undefined : queue.firstUnsequenced()
      if (unacked) {
        // First what was taken: listeners hear of this one, and may end the link or send what cannot leave.
        if (!flush()) return ENDLESS
        core.writeMessage(unacked)
        core.rejectUnsendable()
        continue
      }
      core.spend()
      const control = controls.at(0)
      const piece: Piece<Message> = control === undefined ? window.next() : { frame: control }
      // With a comma or a bracket.
      const more = (piece.frame as string).length + 1
      const maxLength = Math.min(core.maxPayload / 3, MAX_FRAME_CHARACTERS)
      if (length + more >= maxLength && !flush()) return ENDLESS
      // Only now: what a refused frame holds up stays in the queue.
      if (control !== undefined) controls.shift()
      length += more
      pieces.push(piece)
    }
    flush()
    return ENDLESS
  }

  return {
    write,
    takeRefusals() {
      const taken = refusals
      refusals = []
      return taken
    },
  }
}
