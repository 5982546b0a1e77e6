/**
 * One HTTP request: its token, its time limit, its abort, the pause that its answer asks for, and what is wrong with
 * that answer.
 */
import type { TokenProvider } from '../connection/token-provider.ts'
import { messageOf, namedError, ResilientWebSocketError } from '../errors.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { retryAfterMs } from './retry-after.ts'

export interface HttpRequestsDeps {
  readonly environment: Environment
  readonly timers: Timers
  readonly token: TokenProvider
  /** A request without a whole answer has failed after so many ms; the wait for its token counts. */
  readonly timeoutMs: number
}

export type RequestKind = 'Poll' | 'Post'

export interface HttpRequest {
  /** Aborted when the request ends, in whatever way. */
  readonly signal: AbortSignal
  /** The token that it carries, if there is one; known after `authorize()`. */
  readonly token: string | undefined
  /** It was answered, has failed, or was given up: what comes for it from now on is ignored. */
  readonly isOver: boolean
  /** Waits for the token. */
  authorize(): Promise<void>
  /** Rejects with a `NetworkError` if no answer comes, also for a redirect. */
  send(url: string, headers: Record<string, string>, body?: string): Promise<Response>
  /** False if it has ended before. */
  end(): boolean
}

export interface HttpRequests {
  /**
   * Begins a request, one of each kind at a time. `onTimeout` is called even if `fetch` ignores its abort: polling must
   * not stall while it looks healthy.
   */
  open(kind: RequestKind, onTimeout: (error: Error) => void): HttpRequest
  /** For how long the server has asked to be left alone, in ms; 0 or less: it has not. */
  pauseMs(): number
}

/** A part of an answer, which the client never asks for. */
const PARTIAL = 206

/** Why an answer is of no use, whatever it holds; undefined if it may be. */
export const faultOf = ({ status, type, ok }: Response): string | undefined => {
  if (!status) return `expected an answer that can be read, got one of type ${type}`
  if (status === PARTIAL) return `expected a whole answer, got a part (HTTP ${status})`
  return ok || status === 304 ? undefined : `HTTP ${status}`
}

/** An error about an answer; one that cannot be read has no status. */
export const answerError = (
  message: string,
  status: number,
  cause?: unknown,
): ResilientWebSocketError =>
  new ResilientWebSocketError('POLL', message, cause, status ? { httpStatus: status } : undefined)

/** The error for a body that `JSON.parse` has thrown `cause` for. */
export const notJson = (kind: RequestKind, response: Response, cause: unknown): Error => {
  const type = response.headers.get('content-type') || 'no content-type'
  const message = `${kind} failed: expected JSON, got ${type} (${messageOf(cause)})`
  return answerError(message, response.status, cause)
}

export const createHttpRequests = (deps: HttpRequestsDeps): HttpRequests => {
  const { environment, timers, token, timeoutMs } = deps
  const { now, monotonicNow } = environment
  /** By the monotonic clock. */
  let pausedUntil = 0

  const call = async (url: string, init: RequestInit): Promise<Response> => {
    const { fetch } = environment
    // Without a fetch there is nothing that polls could reach.
    if (!fetch) return { status: 405 } as Response
    try {
      return await fetch(url, init)
    } catch (error) {
      throw namedError('NetworkError', messageOf(error), error)
    }
  }

  const open: HttpRequests['open'] = (kind, onTimeout) => {
    const controller = new AbortController()
    const timer = `timeout of ${kind}`
    let used: string | undefined
    let isWaitingForToken = false
    let isOver = false

    timers.set(timer, timeoutMs, () => {
      const text = `${kind} failed: no answer in ${timeoutMs} ms`
      const isTokenLate = isWaitingForToken && token.giveUp()
      onTimeout(namedError('TimeoutError', isTokenLate ? `${text} (token has not answered)` : text))
    })

    return {
      signal: controller.signal,
      get token() {
        return used
      },
      get isOver() {
        return isOver
      },
      async authorize() {
        isWaitingForToken = true
        await token.request()
        isWaitingForToken = false
        used = token.current()
      },
      async send(url, headers, body) {
        const authorization = used && { authorization: `Bearer ${used}` }
        const response = await call(url, {
          ...(body !== undefined && { method: 'POST', body }),
          cache: 'no-store',
          redirect: 'error',
          signal: controller.signal,
          headers: { accept: 'application/json', ...headers, ...authorization },
        })
        const wait = response.headers ? retryAfterMs(response.headers, now()) : 0
        // Another answer may have asked for more.
        if (wait > 0) pausedUntil = Math.max(pausedUntil, monotonicNow() + wait)
        return response
      },
      end() {
        if (isOver) return false
        isOver = true
        timers.clear(timer)
        controller.abort()
        return true
      },
    }
  }

  return { open, pauseMs: () => pausedUntil - monotonicNow() }
}
