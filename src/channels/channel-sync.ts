/** Tells the server which channels the application wants, on each link anew, and keeps what the server knows of them. */
import type { LinkUser } from '../connection/link-user.ts'
import type { Refusal } from '../protocol/protocol.ts'
import type { Timers } from '../shared/timers.ts'
import {
  type Channel,
  type Channels,
  isTold,
  isWanted,
  membersOf,
  type OnServer,
} from './channel.ts'
import type { Member } from './member.ts'

/** The terms of a link for channels. */
export interface ChannelTerms {
  /** Channels that the server has confirmed, or left unanswered, during the handshake. */
  readonly known: readonly string[]
  /** The server answers for each channel; `false`: every channel counts as confirmed once it was asked for. */
  readonly answers: boolean
  /** Tells the server of at most 100 channels. */
  notify(type: 'subscribe' | 'unsubscribe', names: readonly string[]): void
}

/** Messages of the application on their way to a channel, for protocols that join a channel before they send to it. */
export interface ChannelMessages {
  /** The server is being asked for this channel: its messages wait, and hold up no others. */
  hold(channel: string): void
  /** The server has accepted it: its messages may leave. */
  release(channel: string): void
  /** The server has declined it: its messages are rejected with that code. No code: the application has left it. */
  rejectChannel(channel: string, refusal?: Refusal): void
  /** The server has ended it after accepting it: what is in flight on it may or may not have arrived. */
  unknownOf(channel: string): void
}

export interface ChannelSyncDeps {
  readonly channels: Channels
  readonly timers: Timers
}

/** A link user that needs no more than to know when a link is ready, and when it has closed. */
export type ChannelLinkUser = Required<Pick<LinkUser<ChannelTerms>, 'linkReady' | 'linkClosed'>>

export interface ChannelSync extends ChannelLinkUser {
  /** A link is ready. */
  readonly isOpen: boolean
  /** Grows whenever nobody listens to some channel any more, whose position is forgotten. */
  readonly revision: number
  /** Messages of the application that need a channel; `undefined` where none do. Set once the protocol is known. */
  messages: ChannelMessages | undefined
  /** The messages of a channel wait, if the server of this link is still to be asked for it. */
  holdIfPending(channel: Channel): void
  /** The server of the newest link answers for each channel. */
  readonly answers: boolean
  /** Members whose `ready` waits for the server. */
  readonly awaiting: Set<Member>
  /** The application's interest in this channel may have changed: `flush()` looks at it, at the end of this turn at the latest. */
  changed(channel: Channel): void
  /** Subscribes to and leaves channels at the server now, as the changes since the last call require. */
  flush(): void
  /** Notes what the server knows of a channel, and why it has declined it. */
  move(channel: Channel, onServer: OnServer, refusal?: Error): void
  /** The server has accepted a channel, or has been asked for it and does not answer. */
  confirm(channel: Channel): void
  /** Asks for a channel when a delay is over. */
  askAfter(channel: Channel, delayMs: number): void
  /** The server may have ignored a `subscribe`: asks again for each channel that it has not confirmed. */
  repeat(): void
}

/** Channels named in one frame at most, so that no frame grows past what servers take. */
const MAX_CHANNELS_PER_FRAME = 100

const inFrames = (channels: readonly Channel[]): string[][] => {
  const frames: string[][] = []
  for (let at = 0; at < channels.length; at += MAX_CHANNELS_PER_FRAME) {
    frames.push(channels.slice(at, at + MAX_CHANNELS_PER_FRAME).map(({ name }) => name))
  }
  return frames
}

const forgetPosition = (channel: Channel): void => {
  channel.cursor = channel.resumeId = undefined
  channel.isUnpositioned = false
}

const retryTimer = ({ name }: Channel): string => `channel ${name}`

export const createChannelSync = (deps: ChannelSyncDeps): ChannelSync => {
  const { channels, timers } = deps
  let revision = 0
  const awaiting = new Set<Member>()
  /** Channels whose interest has changed: one change must not cost a walk over all channels. */
  const due = new Set<Channel>()
  /** Of the link that is ready. */
  let terms: ChannelTerms | undefined
  let answers = false
  let isScheduled = false

  const move = (channel: Channel, onServer: OnServer, refusal?: Error): void => {
    if (channel.onServer === 'waiting') timers.clear(retryTimer(channel))
    channel.onServer = onServer
    channel.refusal = refusal
  }

  const confirm = (channel: Channel): void => {
    move(channel, 'confirmed')
    sync.messages?.release(channel.name)
    if (awaiting.size) for (const each of membersOf(channel)) each.ready?.confirmed(channel.name)
  }

  /** Nobody listens to the channel any more. */
  const forget = (channel: Channel): void => {
    forgetPosition(channel)
    move(channel, terms && isTold(channel) ? 'pending' : 'no')
    sync.messages?.rejectChannel(channel.name)
  }

  const flush = (): void => {
    isScheduled = false
    const all = [...due]
    due.clear()
    const unwanted = all.filter(channel => !isWanted(channel))
    for (const channel of unwanted) forget(channel)
    if (unwanted.length) revision++
    // A message of the application's own in the outbox will tell the server of its channels.
    const tellable = terms ? all.filter(({ announced }) => !announced) : []
    const stale = tellable.filter(channel => !isWanted(channel) && isTold(channel))
    const fresh = tellable.filter(channel => isWanted(channel) && channel.onServer === 'no')
    for (const channel of stale) move(channel, 'no')
    for (const channel of unwanted) channels.tidy(channel)
    for (const channel of fresh) {
      move(channel, 'pending')
      if (answers) sync.messages?.hold(channel.name)
      else confirm(channel)
    }
    for (const names of inFrames(stale)) terms?.notify('unsubscribe', names)
    for (const names of inFrames(fresh)) terms?.notify('subscribe', names)
  }

  const sync: ChannelSync = {
    get isOpen() {
      return terms !== undefined
    },
    get revision() {
      return revision
    },
    messages: undefined,
    holdIfPending(channel) {
      if (terms && answers && channel.onServer === 'no') sync.messages?.hold(channel.name)
    },
    get answers() {
      return answers
    },
    awaiting,
    changed(channel) {
      due.add(channel)
      // A channel that comes and goes within one turn (a component that remounts) is not worth a frame.
      if (!isScheduled) queueMicrotask(flush)
      isScheduled = true
    },
    flush,
    move,
    confirm,
    askAfter(channel, delayMs) {
      move(channel, 'waiting')
      sync.messages?.hold(channel.name)
      timers.set(retryTimer(channel), delayMs, () => {
        channel.onServer = 'no'
        due.add(channel)
        flush()
      })
    },
    repeat() {
      if (!terms || !answers) return
      for (const channel of channels) {
        if (channel.onServer !== 'pending' && channel.onServer !== 'refused') continue
        move(channel, 'no')
        due.add(channel)
      }
      flush()
    },
    linkReady(_link, agreed) {
      terms = agreed
      answers = agreed.answers
      const known = new Set(agreed.known)
      // The application may have left one of them since the handshake began.
      for (const name of known) due.add(channels.of(name))
      for (const channel of channels) {
        if (channel.onServer === 'ended') continue
        // A confirmation that came by a poll says nothing about this link.
        if (!known.has(channel.name)) move(channel, 'no')
        else if (channel.onServer !== 'confirmed') move(channel, 'pending')
        if (isWanted(channel)) due.add(channel)
      }
      flush()
    },
    linkClosed() {
      terms = undefined
      for (const channel of channels) {
        if (channel.onServer !== 'ended') move(channel, 'no')
        // A channel that is still to be looked at keeps its record.
        if (!due.has(channel)) channels.tidy(channel)
      }
      for (const { ready } of awaiting) ready?.restart()
    },
  }
  return sync
}
