/** `request()`: sends a message and waits for the one that answers it. */
import type { Requests } from '../delivery/requests.ts'
import type { Send } from '../delivery/send.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { RequestOptions, ResilientWebSocket } from './client-types.ts'

/** Sends a message and waits for its answer. */
export const createRequest =
  <Incoming, Outgoing>(
    send: Send<Outgoing>,
    requests: Requests<Incoming>,
    longestTtlMs: number,
  ): ResilientWebSocket<Incoming, Outgoing>['request'] =>
  (message, { timeoutMs = 10_000, signal }: RequestOptions = {}) => {
    try {
      if (!(timeoutMs >= 0)) {
        throw new RangeError(`request.timeoutMs: expected a number >= 0, got ${timeoutMs}`)
      }
      let answer: Promise<Incoming> | undefined
      const ttlMs = Math.min(timeoutMs, longestTtlMs)
      // It waits before it is sent: what a listener does meanwhile has to reach it.
      const { reason } = send(
        message,
        { ttlMs, ...(signal && { signal }) },
        ({ delivery, takeBack }) => {
          answer = requests.wait(delivery, { timeoutMs, signal, takeBack })
        },
      )
      if (answer) return answer
      // A request that is taken back hears of nothing else.
      if (signal?.aborted) throw signal.reason
      throw new ResilientWebSocketError('NOT_SENT', `Not sent: ${reason}`)
    } catch (cause) {
      return Promise.reject(cause)
    }
  }
