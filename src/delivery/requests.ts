/** Requests that wait for the message that answers theirs. */
import { ResilientWebSocketError } from '../errors.ts'
import type { Timers } from '../shared/timers.ts'
import type { Aborts } from './aborts.ts'
import type { Delivery } from './delivery.ts'

/** One request that waits. */
export interface PendingRequest {
  /** Rejects it, unless it is settled. */
  fail(error: unknown): void
}

export interface RequestRules {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** Takes the message back. False if it was sent. */
  takeBack(): boolean
}

export interface Requests<Incoming> {
  /**
   * Waits for the answer to a message that is about to be sent. Rejects after `timeoutMs`, or when the caller takes it
   * back. Another request with the same id ends the one before.
   */
  wait(delivery: Delivery, rules: RequestRules): Promise<Incoming>
  answer(id: string | undefined, message: Incoming): void
  /** The server reports an error about the message with this id. */
  refuse(id: string | undefined, error: unknown): void
  /** This message was certainly not sent, or not applied. */
  rejected(delivery: Delivery): void
  /** Nobody knows what became of this message. */
  unknown(delivery: Delivery): void
  pending(): readonly PendingRequest[]
}

interface Waiting<Incoming> extends PendingRequest {
  readonly delivery: Delivery
  timedOut(isTakenBack: boolean): void
  /** Monotonic ms. */
  readonly deadline: number
  takeBack(): boolean
  answer(message: Incoming): void
  /** From now on it hears of nothing; false if it did not before. */
  end(): boolean
}

const failure = (
  code: 'NOT_SENT' | 'UNKNOWN' | 'TIMEOUT',
  message: string,
): ResilientWebSocketError => new ResilientWebSocketError(code, message)

export const createRequests = <Incoming>(
  timers: Timers,
  aborts: Aborts,
  monotonicNow: () => number,
): Requests<Incoming> => {
  /** By the id of their message. */
  const waiting = new Map<string, Waiting<Incoming>>()
  let count = 0

  /** Its own request: another message may have the same id. */
  const of = (delivery: Delivery): Waiting<Incoming> | undefined => {
    const request = waiting.get(delivery.id)
    return request?.delivery === delivery ? request : undefined
  }

  const replaced = (request: Waiting<Incoming>): void => {
    request.end()
    const message = 'Another request took this id'
    // Only what has not left can be told not to have been sent.
    const error = request.takeBack() ? failure('NOT_SENT', message) : failure('UNKNOWN', message)
    request.fail(error)
  }

  return {
    wait: (delivery, { timeoutMs, signal, takeBack }) =>
      new Promise((resolve, reject) => {
        const { id } = delivery
        const before = waiting.get(id)
        const timer = `reply ${++count}`
        let waits = true
        let off = (): void => {}
        const request: Waiting<Incoming> = {
          delivery,
          deadline: monotonicNow() + timeoutMs,
          takeBack,
          timedOut(isTakenBack) {
            const more = isTakenBack ? '; the message had not been sent, and is taken back' : ''
            request.fail(failure('TIMEOUT', `No answer in ${timeoutMs} ms${more}`))
          },
          answer(message) {
            if (request.end()) resolve(message)
          },
          fail(error) {
            request.end()
            reject(signal?.aborted ? signal.reason : error)
          },
          end() {
            if (!waits) return false
            waits = false
            if (waiting.get(id) === request) waiting.delete(id)
            timers.clear(timer)
            off()
            return true
          },
        }
        waiting.set(id, request)
        timers.set(timer, timeoutMs, () => {
          // First, or the message that is taken back would tell its request.
          request.end()
          request.timedOut(takeBack())
        })
        if (signal) off = aborts.on(signal, () => request.fail(signal.reason))
        // Last: a listener that hears of its message may ask again with this id.
        if (before) replaced(before)
      }),
    answer(id, message) {
      if (id) waiting.get(id)?.answer(message)
    },
    refuse(id, error) {
      if (id) waiting.get(id)?.fail(error)
    },
    rejected(delivery) {
      const request = of(delivery)
      // The outbox lets nothing go after its time, even where the timer of the request is late.
      if (delivery.reason === 'expired' && request && monotonicNow() >= request.deadline) {
        request.timedOut(true)
      } else request?.fail(failure('NOT_SENT', `Not sent: ${delivery.reason}`))
    },
    unknown: delivery =>
      of(delivery)?.fail(failure('UNKNOWN', 'Nobody knows whether it was applied')),
    pending: () => [...waiting.values()],
  }
}
