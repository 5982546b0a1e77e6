/** FALLBACK as the connection uses it: a loop that polls and, where the protocol has a use for it, one that posts. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Fallback, FallbackEvents } from '../connection/fallback.ts'
import type { TokenProvider } from '../connection/token-provider.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { FallbackSettings, Settings } from '../options/settings.ts'
import type { HttpContact } from '../protocol/own-conversation.ts'
import type { Log } from '../shared/log.ts'
import type { Environment } from '../shared/runtime.ts'
import type { Timers } from '../shared/timers.ts'
import { FALLBACK_TABLE } from './fallback-table.ts'
import { createFreshness } from './freshness.ts'
import type { PollInbox } from './poll-inbox.ts'
import { createPollLoop, type PollEnd, type PollLoop } from './poll-loop.ts'
import { createPollTarget } from './poll-target.ts'
import { createPostLoop, type PostLoop } from './post-loop.ts'
import { createHttpRequests } from './request.ts'

export interface FallbackDeps {
  readonly settings: FallbackSettings
  /** The option `url` of the client. */
  readonly webSocketUrl: Settings['url']
  readonly environment: Environment
  readonly timers: Timers
  readonly log: Log
  readonly token: TokenProvider
  /** Absent: polls name no channels. */
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Pick<Outbox<never>, 'postBy' | 'sequence'>
  /** Absent: the protocol says nothing over HTTP. */
  readonly contact: HttpContact | undefined
  readonly inbox: PollInbox
}

export const createFallback = (deps: FallbackDeps): Fallback => {
  const { settings, token, outbox, contact } = deps
  // These outlive the loops: a server that asked to wait is left alone, and an old copy is known as one.
  const requests = createHttpRequests({ ...deps, timeoutMs: settings.timeoutMs })
  const freshness = createFreshness(deps.environment)
  let polls: PollLoop | undefined
  let posts: PostLoop | undefined

  const stop = (): void => {
    outbox.postBy(undefined)
    polls?.stop()
    posts?.stop()
    polls = posts = undefined
  }

  const begin = (events: FallbackEvents, isFailing: boolean): void => {
    const target = createPollTarget({ ...deps, url: settings.url, events })
    const parts = { ...deps, requests, freshness, target, events }
    posts = contact && createPostLoop({ ...parts, contact, sequence: outbox.sequence })
    const onEnd = (end: PollEnd): void => {
      const wasFailing = polls?.isFailing ?? false
      stop()
      const { status, instead } = end
      if (status !== 401 && status !== 403) events.onMissing(status, instead)
      else if (token.refused(end.token)) begin(events, wasFailing)
      else events.onRefused(status)
    }
    polls = createPollLoop({ ...parts, posts, isFailing, onEnd })
    outbox.postBy(posts?.post)
    polls.start()
  }

  return {
    table: FALLBACK_TABLE,
    url: settings.url,
    probeIntervalMs: settings.probeIntervalMs,
    afterMs: settings.afterMs,
    start(events) {
      stop()
      begin(events, false)
    },
    stop,
    pollNow: () => polls?.pollNow(),
  }
}
