/** Subscribes one client to channels that it may listen to, and unsubscribes it. */
import type { Position } from '../broker/broker.ts'
import { MAX_CHANNELS } from '../broker/publication.ts'
import { positionOf } from '../broker/recovery.ts'
import type { ServerSettings } from '../options.ts'
import { CHANNEL_FORM, isChannel } from '../protocol/channel-name.ts'
import { type Fields, isObject, namedIn, replyTo } from '../protocol/parse.ts'
import type { TimeLimits } from '../time-limits.ts'
import type { Authentication } from './authentication.ts'
import type { ChannelStreams } from './channel-streams.ts'
import type { Peer } from './peer.ts'

export interface SubscribeHandlerDeps {
  readonly settings: ServerSettings
  readonly timeLimits: TimeLimits
}

/** Names and positions of `{ channels: [..] }`, `{ channels: {..} }` or `{ symbols: [..] }`; `undefined` for another form. */
const channelsIn = (message: Fields): Map<unknown, Position | null> | undefined => {
  const named = namedIn(message)
  if (Array.isArray(named)) return new Map(named.map(name => [name, null]))
  if (!isObject(named)) return undefined
  return new Map(Object.entries(named).map(([name, position]) => [name, positionOf(position)]))
}

/** The refused channels of one message, as one error: the first reason, and the number of the others. */
class Refusals {
  #first: { readonly code: string; readonly reason: string } | undefined
  #more = 0

  add(code: string, reason: string): void {
    if (this.#first) this.#more++
    else this.#first = { code, reason }
  }

  addWrongName(): void {
    this.add('UNKNOWN_CHANNEL', `Expected channels named by ${CHANNEL_FORM}`)
  }

  sendTo(peer: Peer, message: Fields): void {
    if (!this.#first) return
    const others = this.#more ? ` (and ${this.#more} more channels were refused)` : ''
    peer.sendError(this.#first.code, this.#first.reason + others, message)
  }
}

export class SubscribeHandler {
  readonly #deps: SubscribeHandlerDeps
  readonly #peer: Peer
  readonly #streams: ChannelStreams
  readonly #authentication: Authentication
  readonly #onFailed: (error: unknown) => void

  /** `onFailed`: `authorize` failed, and it is not known what the client may listen to. */
  constructor(
    deps: SubscribeHandlerDeps,
    peer: Peer,
    streams: ChannelStreams,
    authentication: Authentication,
    onFailed: (error: unknown) => void,
  ) {
    this.#deps = deps
    this.#peer = peer
    this.#streams = streams
    this.#authentication = authentication
    this.#onFailed = onFailed
  }

  /**
   * The channels of a message that this client may listen to; one error is sent about all others. Rejects if
   * `authorize` throws or takes too long.
   */
  async permitted(message: Fields): Promise<Map<string, Position | null>> {
    const { settings, timeLimits } = this.#deps
    const refusals = new Refusals()
    const candidates: [string, Position | null][] = []
    let free = MAX_CHANNELS - this.#streams.names().length
    for (const [name, position] of channelsIn(message) ?? []) {
      if (!isChannel(name)) refusals.addWrongName()
      else if (this.#streams.has(name) || free-- > 0) candidates.push([name, position])
      // Before `authorize` is called: no client makes it answer for more channels than it may have.
      else refusals.add('FORBIDDEN', `No more than ${MAX_CHANNELS} channels`)
    }
    const permitted = new Map<string, Position | null>()
    await timeLimits.within(settings.handlerTimeoutMs, 'authorize', async isOver => {
      for (const [name, position] of candidates) {
        const user = this.#authentication.user()
        if (await settings.authorize(user, 'subscribe', name)) permitted.set(name, position)
        else refusals.add('FORBIDDEN', 'You may not listen to this channel')
        if (isOver()) return
      }
    })
    refusals.sendTo(this.#peer, message)
    return permitted
  }

  async onSubscribe(message: Fields): Promise<void> {
    if (!channelsIn(message)) {
      return this.#peer.sendError('BAD_MESSAGE', 'subscribe: expected { channels: [..] }', message)
    }
    try {
      await this.#streams.subscribeFrom(await this.permitted(message), recoveries =>
        this.#peer.send('subscribed', { channels: recoveries }, replyTo(message)),
      )
    } catch (error) {
      this.#onFailed(error)
    }
  }

  onUnsubscribe(message: Fields): void {
    const named = channelsIn(message)
    if (!named) {
      return this.#peer.sendError(
        'BAD_MESSAGE',
        'unsubscribe: expected { channels: [..] }',
        message,
      )
    }
    const refusals = new Refusals()
    const left: string[] = []
    for (const name of named.keys()) {
      if (!isChannel(name)) refusals.addWrongName()
      else if (this.#streams.leave(name)) left.push(name)
    }
    refusals.sendTo(this.#peer, message)
    this.#peer.send('unsubscribed', { channels: left }, replyTo(message))
  }
}
