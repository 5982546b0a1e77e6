/** Polls: one GET at a time, at its interval, until the server says that there is nothing to poll. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { FallbackEvents } from '../connection/fallback.ts'
import type { TokenProvider } from '../connection/token-provider.ts'
import type { FallbackSettings } from '../options/settings.ts'
import type { Log } from '../shared/log.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { createCopyCheck, REPEATED_COPY } from './copies.ts'
import { createEtags } from './etag.ts'
import type { Freshness } from './freshness.ts'
import { type PollBody, readPollBody } from './poll-body.ts'
import type { PollInbox } from './poll-inbox.ts'
import type { PollTarget } from './poll-target.ts'
import type { PostLoop } from './post-loop.ts'
import { BodyTooLarge, readBody } from './read-body.ts'
import { answerError, faultOf, type HttpRequest, type HttpRequests } from './request.ts'

export interface PollLoopDeps {
  readonly settings: FallbackSettings
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly token: TokenProvider
  readonly requests: HttpRequests
  readonly target: PollTarget
  readonly freshness: Freshness
  readonly channels: ChannelRegistry | undefined
  /** Absent: the protocol posts nothing. */
  readonly posts: PostLoop | undefined
  readonly inbox: PollInbox
  readonly events: FallbackEvents
  /** The polls before this loop's first one have failed. */
  readonly isFailing: boolean
  /** There is nothing to poll, or not for this client. `instead`: what there is, if the status does not say it. */
  onEnd(end: PollEnd): void
}

export interface PollEnd {
  readonly status: number
  readonly instead: string
  /** The token that the server was shown. */
  readonly token: string | undefined
}

export interface PollLoop {
  /** The last poll has failed. */
  readonly isFailing: boolean
  /** Begins to poll: at once, or when the pause that the server asked for is over. */
  start(): void
  /** Polls at once, unless a poll is under way or the server asked to wait. */
  pollNow(): void
  /** Gives up the poll under way; there is no other. */
  stop(): void
}

/** Polling makes no sense here: not for this client, or there is no such thing. */
const FINAL = [401, 403, 404, 405, 410]

const HTML_PAGE = "an HTML page: the app's own, a service worker's, or a network's log-in"

const UNCONDITIONAL =
  'Polls go on without If-None-Match, since those with it fail: add it to Access-Control-Allow-Headers'

/** The messages of a body: those of the application, of the protocol, or else the whole of it as one. */
const messagesOf = (body: PollBody, inbox: PollInbox): readonly unknown[] => {
  if (body.kind === 'content') {
    return inbox.read(body.content) ?? [{ type: 'snapshot', data: body.content }]
  }
  if (body.kind !== 'parsed') return []
  // Bodies that the application reads say nothing of positions.
  inbox.read(undefined)
  return body.messages
}

export const createPollLoop = (deps: PollLoopDeps): PollLoop => {
  const { settings, timers, log, requests, target, posts, inbox, events } = deps
  const { monotonicNow } = deps.environment
  const etags = createEtags()
  const checkCopy = createCopyCheck(deps.freshness, log)
  let current: HttpRequest | undefined
  let isFailing = deps.isFailing

  const revision = (): number => deps.channels?.revision ?? 0

  const deliver = (
    request: HttpRequest,
    poll: { status: number; messages: readonly unknown[]; askedAt: number },
  ): void => {
    const { status, messages, askedAt } = poll
    const hasRecovered = isFailing
    isFailing = false
    deps.token.accepted()
    events.onAnswered()
    inbox.onPoll({ status, messages: messages.length })
    if (hasRecovered) events.onRecovered(askedAt)
    for (const message of messages) if (!request.isOver) inbox.accept(message)
    if (!request.isOver) posts?.pollAnswered()
  }

  /** One poll to its end; rejects if it fails. */
  const ask = async (request: HttpRequest): Promise<void> => {
    // A token may take its time: what is polled is settled after it has come.
    await request.authorize()
    if (request.isOver || requests.pauseMs() > 0) return
    const url = target.nextUrl()
    const condition = etags.condition(url, revision())
    const askedAt = monotonicNow()
    const response = await request.send(url, condition)
    if (request.isOver) return
    const { status } = response
    const end = (instead: string): void => deps.onEnd({ status, instead, token: request.token })
    if (FINAL.includes(status)) return end('')
    const fault = faultOf(response)
    if (fault) throw answerError(`Poll failed: ${fault}`, status)
    etags.accepted()
    checkCopy(response, askedAt)
    const text = await readBody(response, request.signal)
    if (request.isOver) return
    const body = await readPollBody(text, response, settings.parse)
    if (request.isOver) return
    if (body.kind === 'html') return end(HTML_PAGE)
    // Before listeners hear of it: they may want the answer anew.
    if (body.kind !== 'empty') etags.keep(response.headers, url, revision())
    inbox.arrived()
    const messages = messagesOf(body, inbox)
    if (!request.isOver) deliver(request, { status, messages, askedAt })
  }

  const settle = (request: HttpRequest, error?: unknown): void => {
    if (!request.end()) return
    current = undefined
    const wait = !error && target.isUnfinished() ? 0 : settings.intervalMs
    timers.set('poll', Math.max(wait, requests.pauseMs()), poll)
    if (!error) return
    posts?.pollFailed()
    if (etags.failed()) log('warn', UNCONDITIONAL)
    isFailing = true
    if (error instanceof BodyTooLarge) target.shrink()
    if (error !== REPEATED_COPY) events.onFailed(error)
  }

  const poll = (): void => {
    // Another answer may have asked to wait since this was planned.
    const early = requests.pauseMs()
    if (early > 0) return timers.set('poll', early, poll)
    // This one takes the place of the one that was planned.
    timers.clear('poll')
    const request = requests.open('Poll', error => settle(request, error))
    current = request
    ask(request).then(
      () => settle(request),
      error => settle(request, error ?? 'Poll failed'),
    )
  }

  return {
    get isFailing() {
      return isFailing
    },
    start: poll,
    pollNow() {
      if (!current && requests.pauseMs() <= 0) poll()
    },
    stop() {
      timers.clear('poll')
      current?.end()
    },
  }
}
