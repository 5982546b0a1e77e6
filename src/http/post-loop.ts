/** POSTs what the outbox holds while the client polls: one batch after the other, in protocol v1 only. */
import type { FallbackEvents } from '../connection/fallback.ts'
import type { Sequence } from '../delivery/sequence.ts'
import type { HttpContact } from '../protocol/own-conversation.ts'
import type { PollInbox } from './poll-inbox.ts'
import type { PollTarget } from './poll-target.ts'
import { readBody } from './read-body.ts'
import { answerError, faultOf, type HttpRequest, type HttpRequests, notJson } from './request.ts'

export interface PostLoopDeps {
  readonly requests: HttpRequests
  readonly target: PollTarget
  readonly contact: HttpContact
  readonly sequence: Sequence | undefined
  readonly inbox: PollInbox
  readonly events: FallbackEvents
}

export interface PostLoop {
  /** Posts what there is, unless a POST is under way, the last one failed, or the server asked to wait. */
  post(): void
  /** The server has answered a poll: a POST may be tried again. */
  pollAnswered(): void
  /** A poll has failed: the server of the next POST may be another one, without the session. */
  pollFailed(): void
  /** Gives up the POST under way; there is no other. */
  stop(): void
}

const TOO_LARGE = 413

const JSON_HEADERS = { 'content-type': 'application/json' }

const NO_ANSWER_OF_V1 =
  'Post failed: expected { tok, ack } of protocol v1, got other JSON; see what stands before the server'

/** The answer to a POST. Rejects if it is none that can be read. */
const readAnswer = async (request: HttpRequest, response: Response): Promise<unknown> => {
  const { status } = response
  const fault = faultOf(response)
  if (fault) throw answerError(`Post failed: ${fault}`, status)
  const text = await readBody(response, request.signal)
  if (!text.trim()) {
    throw answerError(`Post failed: expected JSON, got nothing (HTTP ${status})`, status)
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notJson('Post', response, error)
  }
}

export const createPostLoop = (deps: PostLoopDeps): PostLoop => {
  const { requests, target, contact, inbox, events } = deps
  let current: HttpRequest | undefined
  let isRunning = true
  /** A poll has failed since the last answer to a POST. */
  let isUnsure = false
  /** A POST has failed: the next one waits for a poll that does not, or it would use up its tries in no time. */
  let isResting = false

  /** False if the request has ended before: the polling was stopped, or the time was over. */
  const end = (request: HttpRequest): boolean => {
    if (!request.end()) return false
    current = undefined
    return true
  }

  const fail = (request: HttpRequest, error: unknown): void => {
    if (!end(request)) return
    isResting = true
    contact.readAnswer(undefined)
    events.onFailed(error ?? 'Post failed')
  }

  const take = (request: HttpRequest, answer: unknown): void => {
    if (!end(request)) return
    isUnsure = false
    inbox.arrived()
    if (contact.readAnswer(answer)) return post()
    // Something on the way has answered, and would answer the next one, too.
    isUnsure = isResting = true
    events.onFailed(new Error(NO_ANSWER_OF_V1))
  }

  const send = async (request: HttpRequest): Promise<void> => {
    // A token may take its time: what is sent is settled after it has come.
    await request.authorize()
    if (request.isOver) return
    contact.prepare(isUnsure)
    if (request.isOver) return
    const body = requests.pauseMs() > 0 ? undefined : contact.nextBody(isUnsure)
    if (!body) return void end(request)
    const response = await request.send(target.address(), JSON_HEADERS, body)
    if (response.status !== TOO_LARGE) return take(request, await readAnswer(request, response))
    if (!end(request)) return
    // The server has applied nothing of it: smaller ones go at once.
    deps.sequence?.shrinkBatch()
    events.onFailed(answerError(`Post failed: ${faultOf(response)}`, response.status))
  }

  const post = (): void => {
    if (!isRunning || current || isResting || requests.pauseMs() > 0 || !contact.mayPost()) return
    const request = requests.open('Post', error => fail(request, error))
    current = request
    send(request).catch(error => fail(request, error))
  }

  return {
    post,
    pollAnswered() {
      isResting = false
      post()
    },
    pollFailed() {
      isUnsure = true
    },
    stop() {
      isRunning = false
      current?.end()
    },
  }
}
