/** Subscribes at the server to the channels that the application wants, on each link anew, and leaves the others. */
import type { LinkUser } from '../connection/link-user.ts'
import { type Channel, type Channels, isTold, isWanted } from './channel.ts'
import type { ChannelStates } from './channel-states.ts'

/** The terms of a link for channels. */
export interface ChannelTerms {
  /** Channels that the server has confirmed, or left unanswered, during the handshake. */
  readonly known: readonly string[]
  /** The server answers for each channel; `false`: every channel counts as confirmed once it was asked for. */
  readonly answers: boolean
  /** Tells the server of at most 100 channels. */
  notify(type: 'subscribe' | 'unsubscribe', names: readonly string[]): void
}

export interface ChannelSyncDeps {
  readonly channels: Channels
  readonly states: ChannelStates
}

/** A link user that needs no more than to know when a link is ready, and when it has closed. */
export type ChannelLinkUser = Required<Pick<LinkUser<ChannelTerms>, 'linkReady' | 'linkClosed'>>

export interface ChannelSync extends ChannelLinkUser {
  /** A link is ready. */
  readonly isOpen: boolean
  /** Grows whenever nobody listens to some channel any more, whose position is forgotten. */
  readonly revision: number
  /** The messages of a channel wait, if the server of this link is still to be asked for it. */
  holdIfPending(channel: Channel): void
  /** The server of the newest link answers for each channel. */
  readonly answers: boolean
  /** The application's interest in this channel may have changed: `flush()` looks at it, at the end of this turn at the latest. */
  changed(channel: Channel): void
  /** Subscribes to and leaves channels at the server now, as the changes since the last call require. */
  flush(): void
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

export const createChannelSync = (deps: ChannelSyncDeps): ChannelSync => {
  const { channels, states } = deps
  const { awaiting, move } = states
  let revision = 0
  /** Channels whose interest has changed: one change must not cost a walk over all channels. */
  const due = new Set<Channel>()
  /** Of the link that is ready. */
  let terms: ChannelTerms | undefined
  let answers = false
  let isScheduled = false

  /** Nobody listens to the channel any more. */
  const forget = (channel: Channel): void => {
    forgetPosition(channel)
    move(channel, terms && isTold(channel) ? 'pending' : 'no')
    states.messages?.rejectChannel(channel.name)
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
      if (answers) states.messages?.hold(channel.name)
      else states.confirm(channel)
    }
    for (const names of inFrames(stale)) terms?.notify('unsubscribe', names)
    for (const names of inFrames(fresh)) terms?.notify('subscribe', names)
  }

  return {
    get isOpen() {
      return terms !== undefined
    },
    get revision() {
      return revision
    },
    holdIfPending(channel) {
      if (terms && answers && channel.onServer === 'no') states.messages?.hold(channel.name)
    },
    get answers() {
      return answers
    },
    changed(channel) {
      due.add(channel)
      // A channel that comes and goes within one turn (a component that remounts) is not worth a frame.
      if (!isScheduled) queueMicrotask(flush)
      isScheduled = true
    },
    flush,
    askAfter(channel, delayMs) {
      states.moveAfter(channel, delayMs, () => {
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
}
