/** Messages by GET and POST, one request of each at a time. */
import type { Environment } from '../environment.ts'
import type { Timers } from '../timers.ts'
import type { Transport, TransportHandlers } from './transport.ts'

/** What a poll brought, as the `poll` event tells it. */
export interface Poll {
  /** The HTTP status: 200, or 304 where nothing had changed. */
  readonly status: number
  /** Messages in the answer. */
  readonly messages: number
}

export interface PollingHandlers extends TransportHandlers {
  readonly environment: Environment
  readonly timers: Timers
  readonly intervalMs: number
  readonly timeoutMs: number
  /** Until when the server asked to wait, by the monotonic clock; it holds for the next polling, too. */
  readonly pause: { until: number }
  /** The messages of an answer. */
  parse(body: unknown, response: Response): readonly unknown[]
  /** The URL of the next poll. */
  url(): string
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
  /** What came back for it; `undefined`: nobody knows what became of it. */
  posted(answer: unknown): void
  /** It was more than the server takes at once: nothing of it was applied. */
  tooMuch(): void
  /** The token for the next poll, if there is one. */
  token(): Promise<string | undefined>
  /** A poll went wrong; the next one will come. */
  failed(thrown: unknown): void
  polled(poll: Poll): void
}

export interface PollingTransport extends Transport {
  /** Polls at once, unless a poll is under way or the server asked to wait. */
  pollNow(): void
  /** Posts what there is, one body after the other. */
  post(): void
  /** The next answer is wanted even if it is the same as the last. */
  anew(): void
}

/** No server may silence us for longer. */
const LONGEST_WAIT_MS = 3_600_000

/** Polling makes no sense here: not for us, or no such thing. */
const FINAL = [401, 403, 404, 405, 410]

const TOO_LARGE = 413

/**
 * Starts to poll at once. `opened` comes with the first good answer, `closed` with the HTTP status
 * where polling makes no sense.
 */
export const openPolling = (handlers: PollingHandlers): PollingTransport => {
  const { environment, timers, timeoutMs, pause } = handlers
  const { now, monotonicNow, fetch } = environment
  /** The poll under way. One that was given up is no longer heard. */
  let busy: AbortController | undefined
  let running = true
  let opened = false
  let etag: string | null = null
  let etagUrl = ''
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
    const response = fetch ? await fetch(url, request) : ({ status: 405 } as Response)
    const after = response.headers?.get('retry-after')
    if (after) {
      const wait = Number(after) * 1000 || Date.parse(after) - now()
      // Another answer may have asked for more.
      const until = monotonicNow() + Math.min(wait, LONGEST_WAIT_MS)
      if (wait > 0) pause.until = Math.max(pause.until, until)
    }
    return response
  }

  // A token may take its time: what is asked and sent is settled after it has come.

  const ask = async (mine: AbortController): Promise<void> => {
    const token = await handlers.token()
    if (busy !== mine || isPaused()) return
    const url = handlers.url()
    const known = etag && etagUrl === url && { 'if-none-match': etag }
    const response = await call(mine, token, url, {}, { ...known })
    if (busy !== mine) return
    const { status, headers } = response
    if (FINAL.includes(status)) {
      close()
      return handlers.closed({ code: status, reason: '', wasClean: true })
    }
    let messages: readonly unknown[] = []
    if (response.ok) {
      const body = await response.json()
      if (busy !== mine) return
      // Before its listeners hear it, who may want it anew.
      etag = headers.get('etag')
      etagUrl = url
      try {
        messages = handlers.parse(body, response)
      } catch (thrown) {
        etag = null
        throw thrown
      }
    } else if (status !== 304) throw new Error(`Poll failed: HTTP ${status}`)
    if (busy !== mine) return
    if (!opened) handlers.opened()
    opened = true
    handlers.polled({ status, messages: messages.length })
    for (const message of messages) if (busy === mine) handlers.received(message)
    resting = false
    if (busy === mine) post()
  }

  const post = (): void => {
    if (!running || posting || resting || isPaused() || !handlers.pending()) return
    const mine = new AbortController()
    posting = mine
    const done = (tell: () => void, thrown?: unknown, again = false): void => {
      if (posting !== mine) return
      posting = undefined
      mine.abort()
      timers.clear('post')
      if (!thrown) unsure = false
      resting = thrown !== undefined && !again
      tell()
      if (thrown) handlers.failed(thrown)
      else post()
    }
    const failed = (thrown: unknown): void => done(() => handlers.posted(undefined), thrown)
    timers.set('post', timeoutMs, () => failed(`Post failed: no answer in ${timeoutMs} ms`))
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
      const { status, ok } = response
      const refusal = ok ? undefined : new Error(`Post failed: HTTP ${status}`)
      if (status === TOO_LARGE) return done(handlers.tooMuch, refusal, true)
      if (refusal) throw refusal
      const answer = await response.json()
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
      handlers.failed(thrown)
    }
    timers.set('poll', timeoutMs, () => done(`Poll failed: no answer in ${timeoutMs} ms`))
    ask(mine).then(() => done(), done)
  }
  poll()

  return {
    bufferedBytes: () => 0,
    send() {
      throw new Error('A plain server takes no messages by polling')
    },
    close,
    pollNow() {
      if (running && !busy && !isPaused()) poll()
    },
    post,
    anew() {
      etag = null
    },
  }
}
