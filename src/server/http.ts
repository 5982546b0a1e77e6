/** What is answered by plain HTTP: polls, messages sent by POST, and the questions of a supervisor. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireMessage } from '../protocol/wire-types.ts'
import { addressOf } from './address.ts'
import type { Broker, Position } from './broker.ts'
import { isChannel, LONGEST_CHANNEL } from './channel.ts'
import type { Deadlines } from './deadlines.ts'
import type { ServerEnvironment } from './environment.ts'
import { costOfNames } from './frame.ts'
import { bearerOf, foreignHost, forLog, isAllowedOrigin, refuseOrigin } from './gate.ts'
import type { Counters } from './metrics.ts'
import type { Identity, ServerSettings } from './options.ts'
import type { Posting } from './posting.ts'
import { MOST_CHANNELS } from './publication.ts'
import { positionOf, recover, type Verdict } from './recovery.ts'
import type { TimeLimits } from './time-limit.ts'

export interface HttpHost {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly posting: Posting
  readonly counters: Counters
  readonly deadlines: Deadlines
  readonly timeLimits: TimeLimits
  /** May this user, or else this address, poll now? It counts for `cost` in their rate; see `RateLimit`. */
  mayPoll(user: string | null, address: string, cost: number, isIn?: boolean): boolean
  draining(): boolean
  /** The address that the server listens on. */
  boundTo(): string
  /** Something failed that the server survives; the log has it already. */
  failed(thrown: unknown): void
  metrics(): string
  authenticate(request: IncomingMessage, token: string): Promise<Identity | null>
}

type Headers = Record<string, string>

const answer = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Headers = {},
): void => {
  // Before anything is written: what throws here can still be answered.
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** The items of a list in a query, as they came; the comma separates before it is decoded. */
const listIn = (query: string, name: string): string[] | undefined => {
  const given = query.split('&').find(part => part.startsWith(`${name}=`))
  return given
    ?.slice(name.length + 1)
    .replaceAll('%2C', ',')
    .split(',')
    .filter(Boolean)
}

/** In no history: its reader is told of a gap. */
const NOWHERE = positionOf('none')

/** `channel:epoch:offset`, where the channel may hold colons; `undefined`: it is none. */
const positionIn = (item: string): readonly [string, Position | null] | undefined => {
  const beforeOffset = item.lastIndexOf(':')
  const beforeEpoch = item.lastIndexOf(':', beforeOffset - 1)
  const offset = item.slice(beforeOffset + 1)
  if (beforeEpoch < 1 || beforeOffset - beforeEpoch < 2 || !/^\d+$/.test(offset)) return undefined
  const epoch = item.slice(beforeEpoch + 1, beforeOffset)
  return [item.slice(0, beforeEpoch), positionOf({ epoch, offset: Number(offset) })]
}

/** The positions of these channels. */
const positionsIn = (
  items: readonly string[],
  channels: ReadonlySet<string>,
): ReadonlyMap<string, Position | null> => {
  const positions = new Map<string, Position | null>()
  for (const item of items) {
    const position = positionIn(item)
    if (position) {
      positions.set(...position)
      continue
    }
    // Whose it was meant to be cannot be told: of every channel that it could.
    for (let end = item.indexOf(':'); end >= 0 && end <= LONGEST_CHANNEL; ) {
      const channel = item.slice(0, end)
      if (channels.has(channel)) positions.set(channel, NOWHERE)
      end = item.indexOf(':', end + 1)
    }
    if (channels.has(item)) positions.set(item, NOWHERE)
  }
  return positions
}

/** Weakly, as a GET compares them. */
const matches = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some(each => {
    const given = each.trim()
    return given === '*' || given === etag || given === `W/${etag}`
  })

/** Those of them that the user may listen to. */
const permittedOf = async (
  { settings, timeLimits }: HttpHost,
  user: string | null,
  names: Iterable<string>,
): Promise<ReadonlySet<string>> => {
  const permitted = new Set<string>()
  await timeLimits.within(settings.handlerTimeoutMs, 'authorize', async isOver => {
    for (const name of names) {
      if (!isChannel(name)) continue
      if (await settings.authorize(user, 'subscribe', name)) permitted.add(name)
      if (isOver()) return
    }
  })
  return permitted
}

const poll = async (
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
  { query, user, headers }: { query: string; user: string | null; headers: Headers },
): Promise<void> => {
  const { broker, environment, counters } = host
  const named = listIn(query, 'symbols')
  const mayPoll = (cost: number, isIn?: boolean): boolean =>
    host.mayPoll(user, addressOf(host.settings, request), cost, isIn)
  if (!mayPoll(costOfNames(named?.length ?? 0))) {
    counters.rateLimited++
    const words = { error: 'Rate limit exceeded. Please slow down.' }
    return answer(response, 429, words, { ...headers, 'retry-after': '1' })
  }
  const positions = listIn(query, 'since') ?? []
  for (const [name, { length }] of Object.entries({ symbols: named ?? [], since: positions })) {
    if (length <= MOST_CHANNELS) continue
    const words = `${name}: expected at most ${MOST_CHANNELS} channels, got ${length}`
    return answer(response, 400, { error: words }, headers)
  }
  counters.polls++
  const all = named ? undefined : await broker.channels(MOST_CHANNELS)
  // How many these are is known only now; the first count let it in.
  if (all && costOfNames(all.length) > 1) mayPoll(costOfNames(all.length) - 1, true)
  const symbols = new Set(all ?? named?.map(decode))
  const since = positionsIn(positions.map(decode), symbols)
  const data: WireMessage[] = []
  const messages: WireMessage[] = []
  const channels: Record<string, Verdict> = {}
  for (const symbol of await permittedOf(host, user, symbols)) {
    const position = since.get(symbol) ?? null
    const recovery = await recover(broker, symbol, position)
    const newest = await broker.newest(symbol)
    counters.replayed += recovery.verdict.replayed
    if (!recovery.verdict.recovered) counters.gaps++
    Object.defineProperty(channels, symbol, { value: recovery.verdict, enumerable: true })
    if (newest) data.push(newest.message)
    // Who knows nothing of a channel begins with its newest message.
    if (!position && newest) messages.push(newest.message)
    for (const { message } of recovery.messages) messages.push(message)
    if (!recovery.verdict.recovered && newest) {
      messages.push({ type: 'snapshot', channel: symbol, data: newest.message })
    }
  }
  const body = { protocol: 1, count: data.length, data, messages, channels }
  const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url')}"`
  if (matches(request.headers['if-none-match'], etag)) {
    return answer(response, 304, undefined, { ...headers, etag })
  }
  answer(response, 200, { timestamp: environment.now(), ...body }, { ...headers, etag })
}

/** The body as text; undefined if it is larger than allowed, `null` if the client went away before its end. */
const bodyOf = async (
  request: IncomingMessage,
  most: number,
): Promise<string | undefined | null> => {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > most) return undefined
      chunks.push(chunk)
    }
  } catch {
    // Nothing but the connection can fail here.
    return null
  }
  return Buffer.concat(chunks).toString()
}

const post = async (
  { settings, posting, deadlines }: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
  { user, headers }: { user: string | null; headers: Headers },
): Promise<void> => {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return answer(response, 415, { error: 'Expected application/json' }, headers)
  }
  // Our own http.Server sees to it by itself, and answers 408.
  const callOff = settings.server && deadlines.destroy(request.socket, settings.requestTimeoutMs)
  const text = await bodyOf(request, settings.maxPayload)
  callOff?.()
  if (text === null) {
    settings.logger.debug?.('A POST was aborted by its client')
    return
  }
  if (text === undefined) {
    const words = `Expected at most ${settings.maxPayload} bytes`
    return answer(response, 413, { error: words }, { ...headers, connection: 'close' })
  }
  const { status, body, retryAfterSeconds } = await posting(
    text,
    user,
    addressOf(settings, request),
  )
  answer(response, status, body, {
    ...headers,
    ...(retryAfterSeconds && { 'retry-after': String(retryAfterSeconds) }),
  })
}

const snapshot = async (
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  headers: Headers,
): Promise<void> => {
  const { settings } = host
  const { origin } = request.headers
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
  // Browsers leave the Origin out of a GET to the page's own host, and of nothing else.
  const allowed =
    origin === undefined
      ? method === 'GET' || settings.allowMissingOrigin
      : isAllowedOrigin(settings, origin)
  const refusal = allowed
    ? origin === undefined && foreignHost(settings, request, host.boundTo())
    : refuseOrigin(settings, origin, 'This origin may not do that')
  if (refusal) return answer(response, refusal.status, { error: refusal.words })
  if (origin !== undefined) {
    headers['access-control-allow-origin'] = origin
    headers['access-control-expose-headers'] = 'ETag, Retry-After, Date, Age'
  }
  if (method === 'OPTIONS') {
    headers['access-control-allow-methods'] = 'GET, HEAD, POST'
    headers['access-control-allow-headers'] = 'authorization, content-type, if-none-match'
    headers['access-control-max-age'] = '600'
    return answer(response, 204, undefined, headers)
  }
  if (method !== 'GET' && method !== 'POST') {
    const allow = 'GET, HEAD, POST, OPTIONS'
    return answer(response, 405, { error: 'Expected GET or POST' }, { ...headers, allow })
  }
  let user: string | null = null
  if (settings.authenticate) {
    const token = bearerOf(request)
    const identity = token ? await host.authenticate(request, token) : null
    if (!identity) {
      const words = { error: 'Expected a good token' }
      return answer(response, 401, words, { ...headers, 'www-authenticate': 'Bearer' })
    }
    user = identity.user
  }
  if (method === 'POST') await post(host, request, response, { user, headers })
  else await poll(host, request, response, { query, user, headers })
}

/** True for a request that `handleRequest` answers. */
export const isAnswered = ({ snapshotPath }: ServerSettings, { url }: IncomingMessage): boolean =>
  ['/healthz', '/readyz', '/metrics', snapshotPath].includes((url ?? '').split('?', 1)[0] ?? '')

/** Answers a request if it is for this server; false if it is not. */
export const handleRequest = (
  host: HttpHost,
  request: IncomingMessage,
  response: ServerResponse,
): boolean => {
  const { settings } = host
  if (!isAnswered(settings, request)) return false
  response.once('close', host.deadlines.destroy(request.socket, settings.answerTimeoutMs))
  const [path, query = ''] = (request.url ?? '').split('?', 2)
  if (path === settings.snapshotPath) {
    const headers: Headers = { vary: 'Origin, Authorization' }
    snapshot(host, request, response, query, headers).catch(thrown => {
      settings.logger.error?.(`The snapshot failed: ${forLog(thrown)}`)
      host.failed(thrown)
      if (response.headersSent) response.destroy()
      else answer(response, 503, { error: 'Try again' }, { ...headers, 'retry-after': '5' })
    })
  } else if (path === '/healthz') answer(response, 200, { status: 'ok' })
  else if (path === '/readyz') {
    const ready = host.broker.ready() && !host.draining()
    answer(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' })
  } else {
    const refusal = foreignHost(settings, request, host.boundTo())
    if (refusal) {
      answer(response, refusal.status, { error: refusal.words })
      return true
    }
    response.writeHead(200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    })
    response.end(host.metrics())
  }
  return true
}
