/** Messages by GET, one request at a time. */
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
  readonly parse: ((body: unknown, response: Response) => readonly unknown[]) | undefined
  /** The URL of the next poll. */
  url(): string
  /** The token for the next poll, if there is one. */
  token(): Promise<string | undefined>
  /** A poll went wrong; the next one will come. */
  failed(thrown: unknown): void
  polled(poll: Poll): void
}

export interface PollingTransport extends Transport {
  /** Polls at once, unless a poll is under way or the server asked to wait. */
  pollNow(): void
}

/** No server may silence us for longer. */
const LONGEST_WAIT_MS = 3_600_000

/** Polling makes no sense here: not for us, or no such thing. */
const FINAL = [401, 403, 404, 405, 410]

/**
 * Starts to poll at once. `opened` comes with the first good answer, `closed` with the HTTP status
 * where polling makes no sense.
 */
export const openPolling = (handlers: PollingHandlers): PollingTransport => {
  const { environment, timers, timeoutMs } = handlers
  const { now, fetch } = environment
  /** The poll under way. One that was given up is no longer heard. */
  let busy: AbortController | undefined
  let running = true
  let opened = false
  let notBefore = 0
  let etag: string | null = null
  let etagUrl = ''

  const close = (): void => {
    running = false
    timers.clear('poll')
    busy?.abort()
    busy = undefined
  }

  const ask = async (mine: AbortController): Promise<void> => {
    const url = handlers.url()
    const token = await handlers.token()
    const request = {
      cache: 'no-store',
      redirect: 'error',
      signal: mine.signal,
      headers: {
        accept: 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(etag && etagUrl === url && { 'if-none-match': etag }),
      },
    } as const
    if (busy !== mine) return
    const response = fetch ? await fetch(url, request) : ({ status: 405 } as Response)
    if (busy !== mine) return
    const { status, headers } = response
    if (FINAL.includes(status)) {
      close()
      return handlers.closed({ code: status, reason: '', wasClean: true })
    }
    const after = headers.get('retry-after')
    if (after) {
      const wait = Number(after) * 1000 || Date.parse(after) - now()
      if (wait > 0) notBefore = now() + Math.min(wait, LONGEST_WAIT_MS)
    }
    let messages: readonly unknown[] = []
    if (response.ok) {
      const body = await response.json()
      messages = handlers.parse?.(body, response) ?? [{ type: 'snapshot', data: body }]
      etag = headers.get('etag')
      etagUrl = url
    } else if (status !== 304) throw new Error(`Poll failed: HTTP ${status}`)
    if (busy !== mine) return
    if (!opened) handlers.opened()
    opened = true
    handlers.polled({ status, messages: messages.length })
    for (const message of messages) if (busy === mine) handlers.received(message)
  }

  const poll = (): void => {
    const mine = new AbortController()
    busy = mine
    // Also ends a poll whose fetch ignores its abort: polling must not stall while it looks healthy.
    const done = (thrown?: unknown): void => {
      if (busy !== mine) return
      busy = undefined
      mine.abort()
      timers.set('poll', Math.max(handlers.intervalMs, notBefore - now()), poll)
      if (thrown) handlers.failed(thrown)
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
      if (running && !busy && now() >= notBefore) poll()
    },
  }
}
