/** What is polled in FALLBACK: the address, the channels and where we stand in them, and what answers mean. */

import type { Fallback as FallbackContract, FallbackEvents } from '../connection/fallback.ts'
import type { TokenProvider } from '../connection/token-provider.ts'
import type { Outbox } from '../delivery/outbox.ts'
import { messageOf, namedError, ResilientWebSocketError } from '../errors.ts'
import type { Settings } from '../options/settings.ts'
import type { Log } from '../shared/log.ts'
import { type Environment, locationOf } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { FALLBACK_TABLE } from './fallback-table.ts'
import { createFreshness } from './freshness.ts'
import { openPolling, type Poll, type PollingTransport } from './polling.ts'
import { BodyTooLarge } from './read-body.ts'

export interface FallbackHooks
  extends Pick<FallbackContract, 'url' | 'probeIntervalMs' | 'afterMs'> {
  readonly settings: Settings<never, never>
  readonly environment: Environment
  readonly timers: Timers
  readonly token: TokenProvider
  readonly log: Log
  /** Channels to poll for. */
  channels(): readonly string[]
  /** Where we stand in a channel, as a poll says it. */
  since(channel: string): string | undefined
  /** Grows whenever the position of some channel is forgotten. */
  revision(): number
  readonly outbox: Pick<Outbox<never>, 'postBy'>
  /** The messages in the body of a poll; `undefined` if it says nothing to us. */
  interpret(body: unknown): readonly unknown[] | undefined
  /** One message of a poll. */
  polled(message: unknown): void
  answered(poll: Poll): void
  /** There may be something to POST. */
  pending(): boolean
  /** A body will be made next; ends what cannot be in it. */
  prepare(unsure: boolean): void
  /** The next body to POST, if there is one. `unsure`: the server may be another one than before. */
  outgoing(unsure: boolean): string | undefined
  /** What came back for it; `undefined`: nobody knows what became of it. False: the answer makes no sense. */
  posted(answer: unknown): boolean
  /** What was posted was more than the server takes at once. */
  tooMuch(): void
}

/** Characters of a poll's query; what does not fit is asked for by the next one. */
const LONGEST_QUERY = 4000

/** Awaits `fallback.parse`, and names it in its errors. Nothing: the client reads the body itself. */
const parsedBy = async (
  parse: (body: unknown, response: Response) => unknown,
  body: unknown,
  response: Response,
): Promise<unknown> => {
  const failed = (text: string, cause?: unknown): ResilientWebSocketError =>
    new ResilientWebSocketError('POLL', `fallback.parse: ${text}`, cause, {
      httpStatus: response.status,
    })
  let parsed: unknown
  try {
    parsed = await parse(body, response)
  } catch (error) {
    throw failed(messageOf(error), error)
  }
  if (parsed == null || Array.isArray(parsed)) return parsed
  throw failed(`expected an array of messages, got ${typeof parsed}`)
}

export const createFallback = (hooks: FallbackHooks): FallbackContract => {
  const { settings, token } = hooks
  const rules = settings.fallback
  let polling: PollingTransport | undefined
  let connection: FallbackEvents | undefined
  /** The next poll asks for channels from here on. */
  let next = 0
  /** Less after an answer that was larger than we read. */
  let longestQuery = LONGEST_QUERY
  /** Polls fail. */
  let failing = false
  const pause = { until: 0 }
  const freshness = createFreshness(hooks.environment)

  const address = (): string => {
    const { url } = rules as { url: string }
    if (locationOf(hooks.environment)) return url
    const base = connection?.dialedUrl() || settings.url
    if (typeof base !== 'function') return `${new URL(url, `${base}`.replace(/^ws/, 'http'))}`
    // No dial has said yet where we are.
    if (URL.canParse(url)) return url
    const text = `fallback.url: expected a whole URL while url() gives none, got '${url}'`
    throw new ResilientWebSocketError('POLL', text, undefined, { hint: 'fallback' })
  }

  const pollUrl = (): string => {
    const base = address()
    const channels = hooks.channels()
    const positions: string[] = []
    if (next >= channels.length) next = 0
    const first = next
    for (let length = 0; next < channels.length && length < longestQuery; next++) {
      const channel = channels[next] as string
      const position = hooks.since(channel)
      if (position) positions.push(encodeURIComponent(position))
      length += encodeURIComponent(channel + (position ?? '')).length
    }
    const query = [
      ['symbols', channels.slice(first, next).map(encodeURIComponent)] as const,
      ['since', positions] as const,
    ].flatMap(([name, items]) => (items.length ? `${name}=${items}` : []))
    return query.length ? `${base}${base.includes('?') ? '&' : '?'}${query.join('&')}` : base
  }

  const start = (events: FallbackEvents): void => {
    if (!rules) return
    connection = events
    hooks.outbox.postBy(() => polling?.post())
    const { parse } = rules
    let used: string | undefined
    longestQuery = LONGEST_QUERY
    /** Names the wait of a request for its token. */
    let question: object | undefined
    polling = openPolling({
      ...hooks,
      ...rules,
      pause,
      freshness,
      read: parse && ((body, response) => parsedBy(parse, body, response)),
      parse(body, _response, parsed) {
        // Whoever reads it says nothing of positions.
        const messages = hooks.interpret(parsed ? undefined : body)
        return (parsed as unknown[] | null) ?? messages ?? [{ type: 'snapshot', data: body }]
      },
      url: pollUrl,
      unfinished: () => next < hooks.channels().length,
      postUrl: address,
      async token() {
        const mine = {}
        question = mine
        await token.request()
        if (question === mine) question = undefined
        used = token.current()
        return used
      },
      opened() {},
      received: hooks.polled,
      polled(poll, askedAt) {
        token.accepted()
        const recovered = failing
        failing = false
        events.onAnswered()
        hooks.answered(poll)
        if (recovered) events.onRecovered(askedAt)
      },
      failed(thrown, request) {
        const late = question && token.giveUp()
        question = undefined
        if (request === 'poll') {
          failing = true
          // Never 0: a poll that names no channel asks for all of them.
          if (thrown instanceof BodyTooLarge) longestQuery = Math.max(1, longestQuery >> 1)
        }
        if (!thrown) return
        const text = `${messageOf(thrown)} (token has not answered)`
        events.onFailed(late ? namedError('TimeoutError', text) : thrown)
      },
      warn: words => hooks.log('warn', words),
      closed({ code, reason }) {
        if (code !== 401 && code !== 403) events.onMissing(code, reason)
        else if (token.refused(used)) start(events)
        else events.onRefused(code)
      },
    })
  }

  return {
    table: FALLBACK_TABLE,
    url: hooks.url,
    probeIntervalMs: hooks.probeIntervalMs,
    afterMs: hooks.afterMs,
    start,
    stop() {
      failing = false
      hooks.outbox.postBy(undefined)
      polling?.close()
    },
    pollNow: () => polling?.pollNow(),
  }
}
