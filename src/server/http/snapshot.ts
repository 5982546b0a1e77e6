/** Polls: GET of channels, with the messages that were missed since given positions. */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireMessage } from '../../protocol/wire-types.ts'
import type { Broker, Position } from '../broker/broker.ts'
import { MAX_CHANNELS } from '../broker/publication.ts'
import { type ChannelRecovery, positionOf, recover } from '../broker/recovery.ts'
import type { ServerEnvironment } from '../environment.ts'
import type { Counters } from '../metrics.ts'
import type { ServerSettings } from '../options.ts'
import { isChannel, MAX_CHANNEL_LENGTH } from '../protocol/channel-name.ts'
import { costOfNames } from '../protocol/parse.ts'
import type { TimeLimits } from '../time-limits.ts'
import { addressOf } from './address.ts'
import { type Headers, respond } from './respond.ts'

export interface SnapshotDeps {
  readonly settings: ServerSettings
  readonly broker: Broker
  readonly environment: ServerEnvironment
  readonly counters: Counters
  readonly timeLimits: TimeLimits
  /** May this user, or else this address, poll now? It counts for `cost` in their rate; see `RateLimit`. */
  mayPoll(user: string | null, address: string, cost: number, isIn?: boolean): boolean
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** The items of a list in a query, undecoded; commas separate them, also encoded ones. */
const listIn = (query: string, name: string): string[] | undefined => {
  const given = query.split('&').find(part => part.startsWith(`${name}=`))
  return given
    ?.slice(name.length + 1)
    .replaceAll('%2C', ',')
    .split(',')
    .filter(Boolean)
}

/** A position in no history: its reader gets a gap. */
const UNKNOWN_POSITION = positionOf('none')

/** `channel:epoch:offset`, where the channel may hold colons; `undefined` for a malformed one. */
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
    // A malformed item names no channel for certain: mark every prefix that it could name as an unknown position.
    for (let end = item.indexOf(':'); end >= 0 && end <= MAX_CHANNEL_LENGTH; ) {
      const channel = item.slice(0, end)
      if (channels.has(channel)) positions.set(channel, UNKNOWN_POSITION)
      end = item.indexOf(':', end + 1)
    }
    if (channels.has(item)) positions.set(item, UNKNOWN_POSITION)
  }
  return positions
}

/** Compares entity tags weakly, as a GET does. */
const matches = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some(each => {
    const given = each.trim()
    return given === '*' || given === etag || given === `W/${etag}`
  })

/** The channels that the user may listen to. Rejects if `authorize` takes too long. */
const permittedOf = async (
  { settings, timeLimits }: SnapshotDeps,
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

/** The body of an answer, without its time. */
const readChannels = async (
  { broker, counters }: SnapshotDeps,
  names: Iterable<string>,
  since: ReadonlyMap<string, Position | null>,
) => {
  const data: WireMessage[] = []
  const messages: WireMessage[] = []
  const channels: Record<string, ChannelRecovery> = {}
  for (const name of names) {
    const position = since.get(name) ?? null
    const { recovery, messages: missed } = await recover(broker, name, position)
    const newest = await broker.newest(name)
    counters.replayed += recovery.replayed
    if (!recovery.recovered) counters.gaps++
    // A channel may be called `__proto__`.
    Object.defineProperty(channels, name, { value: recovery, enumerable: true })
    if (newest) data.push(newest.message)
    // A client without a position begins with the newest message.
    if (!position && newest) messages.push(newest.message)
    for (const { message } of missed) messages.push(message)
    if (!recovery.recovered && newest) {
      messages.push({ type: 'snapshot', channel: name, data: newest.message })
    }
  }
  return { protocol: 1, count: data.length, data, messages, channels }
}

/** Answers a GET. Rejects while the broker is away. */
export const pollChannels = async (
  deps: SnapshotDeps,
  request: IncomingMessage,
  response: ServerResponse,
  { query, user, headers }: { query: string; user: string | null; headers: Headers },
): Promise<void> => {
  const { settings, broker, environment, counters } = deps
  const named = listIn(query, 'symbols')
  const address = addressOf(settings, request)
  if (!deps.mayPoll(user, address, costOfNames(named?.length ?? 0))) {
    counters.rateLimited++
    const body = { error: 'Rate limit exceeded. Please slow down.' }
    return respond(response, 429, body, { ...headers, 'retry-after': '1' })
  }
  const positions = listIn(query, 'since') ?? []
  for (const [name, { length }] of Object.entries({ symbols: named ?? [], since: positions })) {
    if (length <= MAX_CHANNELS) continue
    const error = `${name}: expected at most ${MAX_CHANNELS} channels, got ${length}`
    return respond(response, 400, { error }, headers)
  }
  counters.polls++
  const all = named ? undefined : await broker.channels(MAX_CHANNELS)
  // How many these are is known only now; the first count let the request in.
  if (all && costOfNames(all.length) > 1) {
    deps.mayPoll(user, address, costOfNames(all.length) - 1, true)
  }
  const names = new Set(all ?? named?.map(decode))
  const since = positionsIn(positions.map(decode), names)
  const body = await readChannels(deps, await permittedOf(deps, user, names), since)
  const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url')}"`
  if (matches(request.headers['if-none-match'], etag)) {
    return respond(response, 304, undefined, { ...headers, etag })
  }
  respond(response, 200, { timestamp: environment.now(), ...body }, { ...headers, etag })
}
