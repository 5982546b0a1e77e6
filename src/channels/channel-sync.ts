/** Tells the server which channels the application wants, on each link anew, and keeps what the server knows of them. */
import type { LinkUser } from '../connection/link-user.ts'
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

/** What the two sides of a link have agreed on about channels. */
export interface ChannelTerms {
  /** Channels that the server has been told of by the time the link is ready. */
  readonly known: readonly string[]
  /** The server answers for each channel; else it is taken to accept what it is asked for. */
  readonly answers: boolean
}

/** Messages of the application on their way to a channel, for protocols that join a channel before they send to it. */
export interface ChannelMessages {
  /** The server is being asked for this channel: its messages wait, and hold up no others. */
  hold(channel: string): void
  /** The server has accepted it: its messages may leave. */
  release(channel: string): void
  /** The server has declined it: its messages are rejected with that code. Without a code nobody listens to it any more. */
  rejectChannel(channel: string, code?: string, detail?: unknown): void
  /** The server has ended it after accepting it: what is in flight on it may or may not have arrived. */
  unknownOf(channel: string): void
}

export interface ChannelSyncDeps {
  readonly channels: Channels
  readonly timers: Timers
  readonly messages?: ChannelMessages | undefined
  /** Tells the server of at most 100 channels. */
  notify(type: 'subscribe' | 'unsubscribe', names: readonly string[]): void
  /** Nobody listens to some channels any more; their positions are forgotten. */
  onForgotten(): void
}

/** A link user that needs no more than to know when a link is ready, and when it has closed. */
export type ChannelLinkUser = Required<Pick<LinkUser<ChannelTerms>, 'linkReady' | 'linkClosed'>>

export interface ChannelSync extends ChannelLinkUser {
  /** A link is ready. */
  readonly isOpen: boolean
  /** The server of the newest link answers for each channel. */
  readonly answers: boolean
  /** Members whose `ready` waits for the server. */
  readonly awaiting: Set<Member>
  /** The server may have to be told of this channel: looks at it at the end of this turn, or in `flush()`. */
  changed(channel: Channel): void
  /** Tells the server now of what has changed. */
  flush(): void
  /** Notes what the server knows of a channel, and why it has declined it. */
  move(channel: Channel, onServer: OnServer, refusal?: Error): void
  /** The server has accepted a channel, or has been asked for it and does not answer. */
  confirm(channel: Channel): void
  /** Asks for a channel when a delay is over. */
  askAfter(channel: Channel, delayMs: number): void
  /** The server may have ignored what it has not confirmed: asks again. */
  repeat(): void
}

/** Channels named in one frame at most, so that no frame grows past what servers take. */
const MAX_CHANNELS_PER_FRAME = 100

const retryTimer = ({ name }: Channel): string => `channel ${name}`

export const createChannelSync = (deps: ChannelSyncDeps): ChannelSync => {
  const { channels, timers, messages } = deps
  const awaiting = new Set<Member>()
  /** Channels that the server may have to be told of: never all of them for the sake of one. */
  const due = new Set<Channel>()
  let isOpen = false
  let answers = false
  let isScheduled = false

  const notify = (type: 'subscribe' | 'unsubscribe', list: readonly Channel[]): void => {
    for (let at = 0; at < list.length; at += MAX_CHANNELS_PER_FRAME) {
      const part = list.slice(at, at + MAX_CHANNELS_PER_FRAME)
      deps.notify(
        type,
        part.map(({ name }) => name),
      )
    }
  }

  const move = (channel: Channel, onServer: OnServer, refusal?: Error): void => {
    if (channel.onServer === 'waiting') timers.clear(retryTimer(channel))
    channel.onServer = onServer
    channel.refusal = refusal
  }

  const confirm = (channel: Channel): void => {
    move(channel, 'confirmed')
    messages?.release(channel.name)
    if (awaiting.size) for (const each of membersOf(channel)) each.ready?.confirmed(channel.name)
  }

  /** Nobody listens to the channel any more. */
  const forget = (channel: Channel): void => {
    channel.cursor = channel.resumeId = undefined
    channel.isUnpositioned = false
    move(channel, isOpen && isTold(channel) ? 'pending' : 'no')
    messages?.rejectChannel(channel.name)
  }

  const flush = (): void => {
    isScheduled = false
    const all = [...due]
    due.clear()
    const unwanted = all.filter(channel => !isWanted(channel))
    for (const channel of unwanted) forget(channel)
    if (unwanted.length) deps.onForgotten()
    // What a message of the application's own is about to tell is not told twice.
    const tellable = isOpen ? all.filter(({ announced }) => !announced) : []
    const stale = tellable.filter(channel => !isWanted(channel) && isTold(channel))
    const fresh = tellable.filter(channel => isWanted(channel) && channel.onServer === 'no')
    for (const channel of stale) move(channel, 'no')
    for (const channel of unwanted) channels.tidy(channel)
    for (const channel of fresh) {
      move(channel, 'pending')
      if (answers) messages?.hold(channel.name)
      else confirm(channel)
    }
    notify('unsubscribe', stale)
    notify('subscribe', fresh)
  }

  return {
    get isOpen() {
      return isOpen
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
      messages?.hold(channel.name)
      timers.set(retryTimer(channel), delayMs, () => {
        channel.onServer = 'no'
        due.add(channel)
        flush()
      })
    },
    repeat() {
      if (!isOpen || !answers) return
      for (const channel of channels) {
        if (channel.onServer !== 'pending' && channel.onServer !== 'refused') continue
        move(channel, 'no')
        due.add(channel)
      }
      flush()
    },
    linkReady(_link, terms) {
      isOpen = true
      answers = terms.answers
      const known = new Set(terms.known)
      // The application may have left one of them since the server was told of it.
      for (const name of known) due.add(channels.of(name))
      for (const channel of channels) {
        if (channel.onServer === 'ended') continue
        // A poll may have confirmed it: the server of this link was not asked yet.
        if (!known.has(channel.name)) move(channel, 'no')
        else if (channel.onServer !== 'confirmed') move(channel, 'pending')
        if (isWanted(channel)) due.add(channel)
      }
      flush()
    },
    linkClosed() {
      isOpen = false
      for (const channel of channels) {
        if (channel.onServer !== 'ended') move(channel, 'no')
        // A channel that is still to be looked at keeps its record.
        if (!due.has(channel)) channels.tidy(channel)
      }
      for (const { ready } of awaiting) ready?.restart()
    },
  }
}
