/** Requests that wait for the message that answers theirs. */
import { ResilientWebSocketError } from '../errors.ts'
import type { Timers } from '../timers.ts'

export interface Requests<Incoming> {
  /** Rejects after `timeoutMs`, or when the caller takes it back. Another one with this id ends the one before. */
  wait(id: string, timeoutMs: number, signal?: AbortSignal): Promise<Incoming>
  answer(id: string | undefined, message: Incoming): void
  fail(id: string | undefined, error: unknown): void
  /** The ids of those that wait. */
  ids(): readonly string[]
}

export const createRequests = <Incoming>(timers: Timers): Requests<Incoming> => {
  const waiting = new Map<string, (message: Incoming | undefined, error?: unknown) => void>()

  const settle = (id: string | undefined, message: Incoming | undefined, error?: unknown): void => {
    if (!id) return
    const tell = waiting.get(id)
    waiting.delete(id)
    timers.clear(`reply ${id}`)
    tell?.(message, error)
  }
  const fail = (id: string | undefined, error: unknown): void => settle(id, undefined, error)

  return {
    wait: (id, timeoutMs, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => fail(id, signal?.reason)
        fail(id, new ResilientWebSocketError('NOT_SENT', 'Another request took this id'))
        waiting.set(id, (message, error) => {
          signal?.removeEventListener('abort', abort)
          if (signal?.aborted) reject(signal.reason)
          else if (error) reject(error)
          else resolve(message as Incoming)
        })
        timers.set(`reply ${id}`, timeoutMs, () =>
          fail(id, new ResilientWebSocketError('TIMEOUT', `No answer in ${timeoutMs} ms`)),
        )
        signal?.addEventListener('abort', abort)
      }),
    answer: settle,
    fail,
    ids: () => [...waiting.keys()],
  }
}
