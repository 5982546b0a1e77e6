/** Messages by GET and POST, one request of each at a time. */
import { messageOf, namedError, ResilientWebSocketError } from '../errors.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import type { Freshness } from './freshness.ts'
import { readBody } from './read-body.ts'
import { retryAfterMs } from './retry-after.ts'

/** What a poll brought, as the `poll` event tells it. */
export interface Poll {
  /** The HTTP status: 200, or 204 or 304 where nothing is new. */
  readonly status: number
  /** Messages in the answer. */
  readonly messages: number
}

export interface PollingHandlers {
  opened(): void
  received(payload: unknown): void
  closed(info: { readonly code: number; readonly reason: string }): void
  readonly environment: Environment
  readonly timers: Timers
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Until when the server asked to wait, by the monotonic clock; it holds for the next polling, too. */
  readonly pause: { until: number }
  /** Notices answers that are copies of old ones. */
  readonly freshness: Freshness
  /** The application's own reading of a body, which is text if it is no JSON; may be async. */
  readonly read?: ((body: unknown, response: Response) => unknown) | undefined
  /** The messages of an answer. `read`: what `read()` gave. */
  parse(body: unknown, response: Response, read: unknown): readonly unknown[]
  /** The URL of the next poll. */
  url(): string
  /** The next answer is wanted even if it is the same as the last, once this is another number. */
  revision(): number
  /** The next poll asks for the rest: it need not wait. */
  unfinished(): boolean
  /** Where messages are posted. */
  postUrl(): string
  /** There may be something to post. */
  pending(): boolean
  /** A body will be made next; ends what cannot be in it. */
  prepare(unsure: boolean): void
  /** The next body to post, if there is one. `unsure`: the server may be another one than before. */
  outgoing(unsure: boolean): string | undefined
  /** What came back for it; `undefined`: nobody knows what became of it. False: the answer makes no sense. */
  posted(answer: unknown): boolean
  /** It was more than the server takes at once: nothing of it was applied. */
  tooMuch(): void
  /** The token for the next poll, if there is one. */
  token(): Promise<string | undefined>
  /** A request went wrong; the next one will come. `undefined`: as the one before, which was told. */
  failed(thrown: unknown, request: 'poll' | 'post'): void
  /** `askedAt`: when it was sent, by the monotonic clock. */
  polled(poll: Poll, askedAt: number): void
  /** Something that a developer should know. */
  warn(words: string): void
}

export interface PollingTransport {
  close(): void
  /** Polls at once, unless a poll is under way or the server asked to wait. */
  pollNow(): void
  /** Posts what there is, one body after the other. */
  post(): void
}

/** Polling makes no sense here: not for us, or no such thing. */
const FINAL = [401, 403, 404, 405, 410]

const TOO_LARGE = 413

/** A part of an answer, which we never ask for. */
const PARTIAL = 206

/** Answers that have no body. */
const BODILESS = [204, 205, 304]

/** So many failures of conditional requests in a row, with good ones between that had no condition. */
const MAX_CONDITIONAL_FAILURES = 2

const isHtml = (text: string, type: string): boolean =>
  /html/i.test(type) || /^\s*<!doctype html/i.test(text)

const NO_ANSWER_OF_V1 =
  'Post failed: expected { tok, ack } of protocol v1, got other JSON; see what stands before the server'

/** Thrown for a failure like the one before: one error is enough for all of them. */
const TOLD = Symbol('told')

const HTML_WORDS = "an HTML page: the app's own, a service worker's, or a network's log-in"

const UNCONDITIONAL =
  'Polls go on without If-None-Match, since those with it fail: add it to Access-Control-Allow-Headers'

const STALE_HINT =
  'let the service worker or cache pass polls through to the network (docs/browsers.md)'

/**
 * Starts to poll at once. `opened` comes with the first good answer, `closed` with the HTTP status
 * where polling makes no sense.
 */
export const openPolling = (handlers: PollingHandlers): PollingTransport => {
  const { environment, timers, timeoutMs, pause } = handlers
  const { now, monotonicNow, fetch } = environment
  const { freshness, read } = handlers
  /** The poll under way. One that was given up is no longer heard. */
  let busy: AbortController | undefined
  let running = true
  let opened = false
  let etag: string | null = null
  let etagUrl = ''
  let etagRevision = 0
  /** The request under way has a condition that the server has not taken yet. */
  let conditional = false
  let conditionalFailures = 0
  /** The answers are old copies, and that was told. */
  let stale = false
  let posting: AbortController | undefined
  /** A poll failed since the last answer to a POST. */
  let unsure = false
  /** A POST failed: the next one waits for a poll that does not, or tries would be used up in no time. */
  let resting = false

  const isPaused = (): boolean => monotonicNow() < pause.until

  const close = (): void => {
    running = false
    timers.clear('poll')
    timers.clear('post')
    busy?.abort()
    posting?.abort()
    busy = posting = undefined
  }

  const call = async (
    mine: AbortController,
    token: string | undefined,
    url: string,
    init: RequestInit,
    headers: Record<string, string>,
  ): Promise<Response> => {
    const authorization = token && { authorization: `Bearer ${token}` }
    const request: RequestInit = {
      ...init,
      cache: 'no-store',
      redirect: 'error',
      signal: mine.signal,
      headers: { accept: 'application/json', ...headers, ...authorization },
    }
    let response = { status: 405 } as Response
    try {
      if (fetch) response = await fetch(url, request)
    } catch (error) {
      throw namedError('NetworkError', messageOf(error), error)
    }
    const wait = response.headers ? retryAfterMs(response.headers, now()) : 0
    // Another answer may have asked for more.
    if (wait > 0) pause.until = Math.max(pause.until, monotonicNow() + wait)
    return response
  }

  /** Why an answer is of no use, whatever it holds; undefined if it may be. */
  const faultOf = ({ status, type, ok }: Response): string | undefined => {
    if (!status) return `expected an answer that can be read, got one of type ${type}`
    if (status === PARTIAL) return `expected a whole answer, got a part (HTTP ${status})`
    return ok || status === 304 ? undefined : `HTTP ${status}`
  }

  /** An error about an answer; one that cannot be read has no status. */
  const answerError = (message: string, status: number, cause?: unknown): Error =>
    new ResilientWebSocketError('POLL', message, cause, status ? { httpStatus: status } : undefined)

  const notJson = (request: 'Poll' | 'Post', response: Response, cause: unknown): Error => {
    const type = response.headers.get('content-type') || 'no content-type'
    const words = `${request} failed: expected JSON, got ${type} (${(cause as Error).message})`
    return answerError(words, response.status, cause)
  }

  /** Throws for an answer that is a copy of an old one, and tells the first of them. */
  const refuseCopy = ({ headers, status }: Response, askedAt: number): void => {
    const staleMs = freshness.staleMs(headers, askedAt)
    const told = stale
    stale = staleMs !== undefined
    if (staleMs === undefined) return
    if (told) throw TOLD
    const seconds = Math.round(staleMs / 1000)
    const words = `Poll failed: got a copy that is ${seconds} s old; ${STALE_HINT}`
    handlers.warn(words)
    throw answerError(words, status)
  }

  // A token may take its time: what is asked and sent is settled after it has come.

  const ask = async (mine: AbortController): Promise<void> => {
    conditional = false
    const token = await handlers.token()
    if (busy !== mine || isPaused()) return
    const url = handlers.url()
    conditional =
      etagRevision === handlers.revision() &&
      etagUrl === url &&
      conditionalFailures < MAX_CONDITIONAL_FAILURES &&
      etag !== null
    const known = conditional && { 'if-none-match': etag as string }
    const askedAt = monotonicNow()
    const response = await call(mine, token, url, {}, { ...known })
    if (busy !== mine) return
    const { status, headers } = response
    const none = (reason: string): void => {
      close()
      handlers.closed({ code: status, reason })
    }
    if (FINAL.includes(status)) return none('')
    const fault = faultOf(response)
    if (fault) throw answerError(`Poll failed: ${fault}`, status)
    // It was taken with its condition: what goes wrong from here on has another reason.
    if (conditional) conditionalFailures = 0
    conditional = false
    refuseCopy(response, askedAt)
    const text = BODILESS.includes(status) ? '' : await readBody(response, mine.signal)
    if (busy !== mine) return
    let messages: readonly unknown[] = []
    if (text.trim()) {
      const type = headers.get('content-type') ?? ''
      let body: unknown = text
      try {
        body = JSON.parse(text)
      } catch (thrown) {
        if (!read && isHtml(text, type)) return none(HTML_WORDS)
        // Half of a JSON is no text that was meant for anybody.
        if (!read || /json/i.test(type)) throw notJson('Poll', response, thrown)
      }
      const given = await read?.(body, response)
      if (busy !== mine) return
      // Before its listeners hear it, who may want it anew.
      etag = headers.get('etag')
      etagUrl = url
      etagRevision = handlers.revision()
      messages = handlers.parse(body, response, given)
    }
    if (busy !== mine) return
    if (!opened) handlers.opened()
    opened = true
    handlers.polled({ status, messages: messages.length }, askedAt)
    for (const message of messages) if (busy === mine) handlers.received(message)
    resting = false
    if (busy === mine) post()
  }

  const late = (request: 'Poll' | 'Post'): Error =>
    namedError('TimeoutError', `${request} failed: no answer in ${timeoutMs} ms`)

  const post = (): void => {
    if (!running || posting || resting || isPaused() || !handlers.pending()) return
    const mine = new AbortController()
    posting = mine
    const done = (tell: () => unknown, thrown?: unknown, again = false): void => {
      if (posting !== mine) return
      posting = undefined
      mine.abort()
      timers.clear('post')
      if (!thrown) unsure = false
      resting = thrown !== undefined && !again
      const makesSense = tell() !== false
      if (thrown) handlers.failed(thrown, 'post')
      else if (makesSense) post()
      else {
        // Something on the way has answered, and would answer the next one, too.
        unsure = resting = true
        handlers.failed(new Error(NO_ANSWER_OF_V1), 'post')
      }
    }
    const failed = (thrown: unknown): void => done(() => handlers.posted(undefined), thrown)
    timers.set('post', timeoutMs, () => failed(late('Post')))
    const send = async (): Promise<void> => {
      const token = await handlers.token()
      if (posting !== mine) return
      handlers.prepare(unsure)
      if (posting !== mine) return
      const body = isPaused() ? undefined : handlers.outgoing(unsure)
      if (!body) {
        posting = undefined
        return timers.clear('post')
      }
      const init = { method: 'POST', body }
      const type = { 'content-type': 'application/json' }
      const response = await call(mine, token, handlers.postUrl(), init, type)
      const { status } = response
      const fault = faultOf(response)
      const refusal = fault && answerError(`Post failed: ${fault}`, status)
      if (status === TOO_LARGE) return done(handlers.tooMuch, refusal, true)
      if (refusal) throw refusal
      const text = BODILESS.includes(status) ? '' : await readBody(response, mine.signal)
      if (!text.trim()) {
        throw answerError(`Post failed: expected JSON, got nothing (HTTP ${status})`, status)
      }
      let answer: unknown
      try {
        answer = JSON.parse(text)
      } catch (thrown) {
        throw notJson('Post', response, thrown)
      }
      done(() => handlers.posted(answer))
    }
    send().catch(failed)
  }

  const poll = (): void => {
    // Another answer may have asked to wait since this was planned.
    const early = pause.until - monotonicNow()
    if (early > 0) return timers.set('poll', early, poll)
    const mine = new AbortController()
    busy = mine
    // Also ends a poll whose fetch ignores its abort: polling must not stall while it looks healthy.
    const done = (thrown?: unknown): void => {
      if (busy !== mine) return
      busy = undefined
      mine.abort()
      const wait = handlers.unfinished() && !thrown ? 0 : handlers.intervalMs
      timers.set('poll', Math.max(wait, pause.until - monotonicNow()), poll)
      if (!thrown) return
      unsure = true
      // It may have failed because of its condition: across origins a preflight can forbid that.
      etag = null
      if (conditional && ++conditionalFailures === MAX_CONDITIONAL_FAILURES) {
        handlers.warn(UNCONDITIONAL)
      }
      handlers.failed(thrown === TOLD ? undefined : thrown, 'poll')
    }
    timers.set('poll', timeoutMs, () => done(late('Poll')))
    ask(mine).then(
      () => done(),
      thrown => done(thrown ?? 'Poll failed'),
    )
  }
  poll()

  return {
    close,
    pollNow() {
      if (running && !busy && !isPaused()) poll()
    },
    post,
  }
}
