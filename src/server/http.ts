/** What is answered by plain HTTP: the snapshot, and the questions of a supervisor. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Broker } from './broker.ts'
import { bearerOf, forLog, isAllowedOrigin } from './gate.ts'
import type { Identity, ServerSettings } from './options.ts'

export interface HttpHost {
  readonly settings: ServerSettings
  readonly broker: Broker
  draining(): boolean
  authenticate(request: IncomingMessage, token: string): Promise<Identity | null>
}

const MOST_CHANNELS = 1000

const answer = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}

/** The channels that a query names; the comma is decoded after it has separated. */
const symbolsIn = (query: string): readonly string[] | undefined => {
  const named = /(?:^|&)symbols=([^&]*)/.exec(query)?.[1]
  if (named === undefined) return undefined
  return named
    .replaceAll('%2C', ',')
    .split(',')
    .filter(Boolean)
    .map(name => {
      try {
        return decodeURIComponent(name.replaceAll('+', ' '))
      } catch {
        return name
      }
    })
}

const snapshot = async (
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
): Promise<void> => {
  const { settings, broker } = host
  const { origin } = request.headers
  const headers: Record<string, string> = { vary: 'Origin, Authorization' }
  if (origin !== undefined) {
    if (!isAllowedOrigin(settings, origin)) {
      settings.logger.warn?.(`Blocked connection from unauthorized origin: ${forLog(origin)}`)
      return answer(response, 403, { error: 'This origin may not read' })
    }
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = 'ETag, Retry-After'
  }
  if (request.method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, HEAD'
    headers['access-control-allow-headers'] = 'authorization, content-type, if-none-match'
    headers['access-control-max-age'] = '600'
    return answer(response, 204, undefined, headers)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return answer(
      response,
      405,
      { error: 'Expected GET' },
      { ...headers, allow: 'GET, HEAD, OPTIONS' },
    )
  }
  let user: string | null = null
  if (settings.authenticate) {
    const token = bearerOf(request)
    const identity = token ? await host.authenticate(request, token) : null
    if (!identity) {
      return answer(
        response,
        401,
        { error: 'Expected a good token' },
        { ...headers, 'www-authenticate': 'Bearer' },
      )
    }
    user = identity.user
  }
  const symbols = symbolsIn(query) ?? (await broker.channels(MOST_CHANNELS))
  if (symbols.length > MOST_CHANNELS) {
    return answer(response, 400, { error: `Expected at most ${MOST_CHANNELS} symbols` }, headers)
  }
  const data = []
  for (const symbol of new Set(symbols)) {
    if (!(await settings.authorize(user, 'subscribe', symbol))) continue
    const newest = await broker.newest(symbol)
    if (newest) data.push(newest.message)
  }
  const etag = `"${createHash('sha256').update(JSON.stringify(data)).digest('base64url')}"`
  headers['etag'] = etag
  if (request.headers['if-none-match'] === etag) return answer(response, 304, undefined, headers)
  answer(response, 200, { timestamp: Date.now(), count: data.length, data }, headers)
}

/** Answers a request if it is for this server; false if it is not. */
export const handleRequest = (
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
): boolean => {
  const [path, query = ''] = (request.url ?? '').split('?', 2)
  if (path === '/healthz') answer(response, 200, { status: 'ok' })
  else if (path === '/readyz') {
    const ready = host.broker.ready() && !host.draining()
    answer(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' })
  } else if (path === host.settings.snapshotPath) {
    snapshot(host, request, response, query).catch(thrown => {
      host.settings.logger.error?.(`The snapshot failed: ${forLog(thrown)}`)
      if (!response.headersSent)
        answer(response, 503, { error: 'Try again' }, { 'retry-after': '5' })
      else response.destroy()
    })
  } else return false
  return true
}
