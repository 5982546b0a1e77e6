/** The paths of plain HTTP, and what answers on each: polls, messages sent by POST, health and metrics. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { forLog } from '../logging.ts'
import type { Identity, ServerSettings } from '../options.ts'
import { addressOf } from './address.ts'
import type { Deadlines } from './deadlines.ts'
import { bearerOf, foreignHost, isAllowedOrigin, refuseOrigin } from './origin-check.ts'
import type { PostMessages } from './post-messages.ts'
import { type Headers, respond } from './respond.ts'
import { pollChannels, type SnapshotDeps } from './snapshot.ts'

export interface RouteDeps extends SnapshotDeps {
  readonly postMessages: PostMessages
  readonly deadlines: Deadlines
  isDraining(): boolean
  /** The address that the server listens on; '' for a pipe, or before it listens. */
  boundAddress(): string
  /** The text for Prometheus. */
  metrics(): string
  /** Resolves to the identity of a token, and to `null` for one that is refused. */
  authenticate(request: IncomingMessage, token: string): Promise<Identity | null>
  /** Something failed that the server survives; the log has it already. */
  onError(error: unknown): void
}

/** The body as text; `undefined` if it is larger than allowed, `null` if the client went away before its end. */
const bodyOf = async (
  request: IncomingMessage,
  maxBytes: number,
): Promise<string | undefined | null> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes) return undefined
      chunks.push(chunk)
    }
  } catch {
    // Only the connection can fail here.
    return null
  }
  return Buffer.concat(chunks).toString()
}

const answerPost = async (
  { settings, postMessages, deadlines }: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  { user, headers }: { user: string | null; headers: Headers },
): Promise<void> => {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return respond(response, 415, { error: 'Expected application/json' }, headers)
  }
  // An http.Server of our own has its `requestTimeout`, and answers 408.
  const cancel = settings.server && deadlines.destroy(request.socket, settings.requestTimeoutMs)
  const text = await bodyOf(request, settings.maxPayload)
  cancel?.()
  if (text === null) {
    settings.logger.debug?.('A POST was aborted by its client')
    return
  }
  if (text === undefined) {
    const error = `Expected at most ${settings.maxPayload} bytes`
    return respond(response, 413, { error }, { ...headers, connection: 'close' })
  }
  const { status, body, retryAfterSeconds } = await postMessages(
    text,
    user,
    addressOf(settings, request),
  )
  respond(response, status, body, {
    ...headers,
    ...(retryAfterSeconds && { 'retry-after': String(retryAfterSeconds) }),
  })
}

/** False if the origin or the host of the request is refused, which is then answered. Adds headers for other origins. */
const passesOrigin = (
  { settings, boundAddress }: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  headers: Headers,
): boolean => {
  const { origin } = request.headers
  const isRead = request.method === 'HEAD' || request.method === 'GET'
  // Browsers leave the Origin out of a GET to the page's own host, and of nothing else.
  const allowed =
    origin === undefined ? isRead || settings.allowMissingOrigin : isAllowedOrigin(settings, origin)
  const refusal = allowed
    ? origin === undefined && foreignHost(settings, request, boundAddress())
    : refuseOrigin(settings, origin, 'This origin may not do that')
  if (refusal) {
    respond(response, refusal.status, { error: refusal.reason })
    return false
  }
  if (origin !== undefined) {
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = 'ETag, Retry-After, Date, Age'
  }
  return true
}

/** Answers a request to `snapshotPath`. Rejects while the broker is away. */
const answerSnapshot = async (
  deps: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  headers: Headers,
): Promise<void> => {
  const { settings } = deps
  if (!passesOrigin(deps, request, response, headers)) return
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, HEAD, POST'
    headers['access-control-allow-headers'] = 'authorization, content-type, if-none-match'
    headers['access-control-max-age'] = '600'
    return respond(response, 204, undefined, headers)
  }
  if (method !== 'GET' && method !== 'POST') {
    const allow = 'GET, HEAD, POST, OPTIONS'
    return respond(response, 405, { error: 'Expected GET or POST' }, { ...headers, allow })
  }
  let user: string | null = null
  if (settings.authenticate) {
    const token = bearerOf(request)
    const identity = token ? await deps.authenticate(request, token) : null
    if (!identity) {
      const body = { error: 'Expected a good token' }
      return respond(response, 401, body, { ...headers, 'www-authenticate': 'Bearer' })
    }
    user = identity.user
  }
  if (method === 'POST') await answerPost(deps, request, response, { user, headers })
  else await pollChannels(deps, request, response, { query, user, headers })
}

const answerMetrics = (
  { settings, boundAddress, metrics }: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const refusal = foreignHost(settings, request, boundAddress())
  if (refusal) return respond(response, refusal.status, { error: refusal.reason })
  response.writeHead(200, {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'cache-control': 'no-store',
  })
  response.end(metrics())
}

/** True for a request that `handleRequest` answers. */
export const isAnswered = ({ snapshotPath }: ServerSettings, { url }: IncomingMessage): boolean =>
  ['/healthz', '/readyz', '/metrics', snapshotPath].includes((url ?? '').split('?', 1)[0] ?? '')

/** Answers a request to one of this server's paths; false for any other. */
export const handleRequest = (
  deps: RouteDeps,
  request: IncomingMessage,
  response: ServerResponse,
): boolean => {
  const { settings } = deps
  if (!isAnswered(settings, request)) return false
  response.once('close', deps.deadlines.destroy(request.socket, settings.answerTimeoutMs))
  const [path, query = ''] = (request.url ?? '').split('?', 2)
  if (path === settings.snapshotPath) {
    const headers: Headers = { vary: 'Origin, Authorization' }
    answerSnapshot(deps, request, response, query, headers).catch(error => {
      settings.logger.error?.(`The snapshot failed: ${forLog(error)}`)
      deps.onError(error)
      if (response.headersSent) response.destroy()
      else respond(response, 503, { error: 'Try again' }, { ...headers, 'retry-after': '5' })
    })
  } else if (path === '/healthz') respond(response, 200, { status: 'ok' })
  else if (path === '/readyz') {
    const ready = deps.broker.ready() && !deps.isDraining()
    respond(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' })
  } else answerMetrics(deps, request, response)
  return true
}
