/** Which channels the application listens to, and which of them the server has been told of on this link. */
import type { Call } from '../client/emitter.ts'
import type { LinkUser } from '../connection/link-user.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { Timers } from '../shared/timers.ts'
import { type Channel, type Channels, isWanted, type Members } from './channel.ts'
import {
  type ChannelGap,
  deliverTo,
  type Member,
  notifyGap,
  notifyRecovered,
  type Recovery,
  type SubscribeOptions,
} from './member.ts'
import { createEarlyReaders, createSubscription, type Subscription } from './subscription.ts'

/** Messages of the application on their way to a channel, for protocols that join channels before they send to them. */
export interface ChannelMessages {
  /** The server is being asked for this channel: its messages wait, and hold up no others. */
  hold(channel: string): void
  /** It has accepted: they may leave. */
  release(channel: string): void
  /** It has declined: they are rejected with its code. Without a code nobody listens to the channel any more. */
  rejectChannel(channel: string, code?: string, detail?: unknown): void
  /** It has ended a channel that it had accepted: what is in flight on it may or may not have arrived. */
  unknownOf(channel: string): void
}

/** What the two sides of a link have agreed on about channels. */
export interface ChannelTerms {
  /** Channels that the server has been told of by the time the link is ready. */
  readonly known: readonly string[]
  /** The server answers for each channel; else it is taken to accept what it is asked for. */
  readonly answers: boolean
}

export interface Refusal {
  /** The server's code. @default 'FORBIDDEN' */
  readonly code?: string
  readonly message?: string
  readonly detail?: unknown
  /** It is temporary: asks again after so many ms, and `ready` goes on waiting. Absent: it stands for this link. */
  readonly retryAfterMs?: number
}

export interface Loss {
  /** As `gap` gives it. */
  readonly reason: string
  /** Asks again after so many ms. Absent: never, unless the application subscribes anew. */
  readonly retryAfterMs?: number
}

export interface ChannelRegistryDeps {
  readonly channels: Channels
  readonly call: Call
  readonly timers: Timers
  readonly messages?: ChannelMessages
  /** Tells the server of at most 100 channels. */
  notify(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): void
  /** Nobody listens to some channels any more; their positions are forgotten. */
  onForgotten(): void
  onGap(gap: ChannelGap): void
  onRecovered(recovery: Recovery): void
  /** A reader was too slow: it does not read this message. */
  onDropped(message: unknown): void
}

export interface ChannelRegistry extends LinkUser<ChannelTerms> {
  subscribe<Message>(
    channels: string | readonly string[],
    listener?: (message: Message, channel: string) => void,
    options?: SubscribeOptions,
  ): Subscription<Message>
  /**
   * The application sends a `subscribe` or `unsubscribe` of its own, and the server hears of these channels by that. To
   * be called back when the message is settled: did it leave?
   */
  manual(type: 'subscribe' | 'unsubscribe', channels: readonly string[]): (hasLeft: boolean) => void
  deliver(channel: string, message: unknown): void
  /** Channels that the application listens to. */
  names(): readonly string[]
  gap(gap: ChannelGap): void
  /** Reports a gap to the subscriptions of every channel, and to nobody else. */
  gapOnAll(reason: string): void
  recovered(recovery: Recovery): void
  /** The server has accepted a channel. */
  confirmed(channel: string): void
  /** The server has declined a channel. */
  refused(channel: string, refusal?: Refusal): void
  /** The server has ended a channel that it had accepted. Reports a gap. */
  lost(channel: string, loss: Loss): void
  /** The server may have ignored what it has not confirmed: asks again. */
  repeat(): void
  /** Another user: forgets what readers have not read. */
  reset(): void
  /** Ends every subscription. */
  end(): void
}

/** Channels named in one frame at most, so that no frame grows past what servers take. */
const MAX_CHANNELS_PER_FRAME = 100

/** The server of this link has been asked for the channel, whatever it answered. */
const isTold = ({ onServer }: Channel): boolean =>
  onServer === 'pending' || onServer === 'confirmed' || onServer === 'refused'

const NOBODY: readonly never[] = []

const membersOf = (channel: Channel | undefined): readonly Member[] => {
  const members = channel?.members
  if (!members) return NOBODY
  members.list ??= [...members.all]
  return members.list
}

/** Adds a member to a channel; `alone` is what a channel has that nobody else listens to. */
const addMember = (channel: Channel, member: Member, alone: Members): void => {
  const { members } = channel
  if (!members) channel.members = alone
  else if (members.all.size > 1) {
    members.all.add(member)
    members.list = undefined
  } else channel.members = { all: new Set([...members.all, member]), list: undefined }
}

const removeMember = (channel: Channel, member: Member): void => {
  const { members } = channel
  if (!members?.all.has(member)) return
  if (members.all.size > 1) {
    members.all.delete(member)
    members.list = undefined
  } else channel.members = undefined
}

const retryTimer = ({ name }: Channel): string => `channel ${name}`

export const createChannelRegistry = (deps: ChannelRegistryDeps): ChannelRegistry => {
  const { channels, call, timers, messages } = deps
  const all = new Set<Member>()
  /** Those whose `ready` is not settled. */
  const awaiting = new Set<Member>()
  /** Channels that the server may have to be told of: never all of them for the sake of one. */
  const changed = new Set<Channel>()
  let isOpen = false
  let answers = false
  let isScheduled = false
  /** Users so far. */
  let generation = 0

  const notify = (type: 'subscribe' | 'unsubscribe', names: readonly string[]): void => {
    for (let at = 0; at < names.length; at += MAX_CHANNELS_PER_FRAME) {
      deps.notify(type, names.slice(at, at + MAX_CHANNELS_PER_FRAME))
    }
  }

  const moveTo = (channel: Channel, onServer: Channel['onServer'], refusal?: Error): void => {
    if (channel.onServer === 'waiting') timers.clear(retryTimer(channel))
    channel.onServer = onServer
    channel.refusal = refusal
  }

  const confirm = (channel: Channel): void => {
    moveTo(channel, 'confirmed')
    messages?.release(channel.name)
    if (awaiting.size) for (const each of membersOf(channel)) each.ready?.confirmed(channel.name)
  }

  /** Nobody listens to it any more. */
  const forget = (channel: Channel): void => {
    channel.cursor = channel.resumeId = undefined
    channel.isUnpositioned = false
    moveTo(channel, isOpen && isTold(channel) ? 'pending' : 'no')
    messages?.rejectChannel(channel.name)
  }

  /** Tells the server of what has changed; on the next link all channels are looked at anyway. */
  const sync = (): void => {
    isScheduled = false
    const due = [...changed]
    changed.clear()
    const forgotten = due.filter(channel => !isWanted(channel))
    for (const channel of forgotten) forget(channel)
    if (forgotten.length) deps.onForgotten()
    const canTell = (channel: Channel): boolean => isOpen && !channel.announced
    const stale = forgotten.filter(channel => canTell(channel) && isTold(channel))
    const fresh = due.filter(
      channel => isWanted(channel) && canTell(channel) && channel.onServer === 'no',
    )
    for (const channel of stale) moveTo(channel, 'no')
    for (const channel of forgotten) channels.tidy(channel)
    for (const channel of fresh) {
      moveTo(channel, 'pending')
      if (answers) messages?.hold(channel.name)
      else confirm(channel)
    }
    notify(
      'unsubscribe',
      stale.map(({ name }) => name),
    )
    notify(
      'subscribe',
      fresh.map(({ name }) => name),
    )
  }

  // A channel that comes and goes within one turn (a component that remounts) is not worth a frame.
  const changeLater = (channel: Channel): void => {
    changed.add(channel)
    if (isScheduled) return
    isScheduled = true
    queueMicrotask(sync)
  }

  const join = (member: Member): void => {
    all.add(member)
    // One object for all of them: what messages of many channels have in common is found in the caches.
    const alone: Members = { all: new Set([member]), list: [member] }
    for (const name of member.channels) {
      const channel = channels.of(name)
      if (channel.onServer === 'ended') moveTo(channel, 'no')
      addMember(channel, member, alone)
      changeLater(channel)
    }
  }

  const end = (member: Member): void => {
    member.isActive = false
    all.delete(member)
    member.ready?.check()
    for (const reader of member.readers ?? NOBODY) reader.end()
  }

  const leave = (member: Member): void => {
    if (!member.isActive) return
    for (const name of member.channels) {
      const channel = channels.get(name)
      if (!channel) continue
      removeMember(channel, member)
      changeLater(channel)
    }
    end(member)
  }

  const askAfter = (channel: Channel, delayMs: number): void => {
    moveTo(channel, 'waiting')
    messages?.hold(channel.name)
    timers.set(retryTimer(channel), delayMs, () => {
      channel.onServer = 'no'
      changed.add(channel)
      sync()
    })
  }

  const decline = (name: string, onServer: 'refused' | 'ended', refusal: Refusal): void => {
    const channel = channels.get(name)
    if (!channel) return
    const { code = 'FORBIDDEN', message = `The server gives no '${name}'`, detail } = refusal
    moveTo(channel, onServer, new ResilientWebSocketError(code, message))
    messages?.rejectChannel(name, code, detail)
    for (const each of membersOf(channel)) each.ready?.check()
  }

  const setManual = (isManual: boolean, names: readonly string[]): void => {
    for (const name of names) {
      const channel = channels.of(name)
      channel.isManual = isManual
      if (isManual && channel.onServer === 'ended') moveTo(channel, 'no')
      changeLater(channel)
    }
  }

  /** A message of the application has left that subscribes to a channel or leaves it. */
  const manualLeft = (channel: Channel, adds: boolean): void => {
    // The server says where a channel goes on only to a question with positions.
    if (!adds) moveTo(channel, 'no')
    else if (!answers) confirm(channel)
    else if (channel.onServer !== 'confirmed') moveTo(channel, 'no')
  }

  const earlyReaders = createEarlyReaders(timers)
  const subscriptionDeps = {
    call,
    channels,
    earlyReaders,
    join,
    leave,
    awaitAnswers: (member: Member) => void awaiting.add(member),
    onAnswered: (member: Member) => void awaiting.delete(member),
    onGap: deps.onGap,
    onDropped: deps.onDropped,
  }

  const gapToMembers = (channel: Channel | undefined, gap: ChannelGap): void => {
    for (const member of membersOf(channel)) notifyGap(member, gap, call)
  }

  const gap = (gap: ChannelGap): void => {
    deps.onGap(gap)
    gapToMembers(channels.get(gap.channel), gap)
  }

  const wanted = (): Channel[] => [...channels].filter(isWanted)

  return {
    subscribe: (names, listener, options = {}) =>
      createSubscription(subscriptionDeps, names, listener, options),
    manual(type, names) {
      const adds = type === 'subscribe'
      const fresh = names.filter(name => !channels.get(name)?.isManual)
      setManual(adds, names)
      for (const name of names) channels.of(name).announced++
      return hasLeft => {
        for (const name of names) {
          const channel = channels.of(name)
          channel.announced--
          changed.add(channel)
          if (hasLeft) manualLeft(channel, adds)
        }
        // The server never hears of it: nobody wants these channels for its sake.
        if (adds && !hasLeft) setManual(false, fresh)
        sync()
      }
    },
    deliver(channel, message) {
      const before = generation
      const isStale = (): boolean => before !== generation
      for (const member of membersOf(channels.get(channel))) {
        // A listener may have changed the user.
        if (!isStale()) deliverTo(member, message, channel, call, isStale)
      }
    },
    names: () => wanted().map(({ name }) => name),
    gap,
    gapOnAll(reason) {
      for (const channel of wanted()) gapToMembers(channel, { channel: channel.name, reason })
    },
    recovered(recovery) {
      deps.onRecovered(recovery)
      for (const member of membersOf(channels.get(recovery.channel))) {
        notifyRecovered(member, recovery, call)
      }
    },
    confirmed(name) {
      const channel = channels.get(name)
      if (channel && isWanted(channel)) confirm(channel)
    },
    refused(name, refusal = {}) {
      const channel = channels.get(name)
      if (channel && refusal.retryAfterMs !== undefined) askAfter(channel, refusal.retryAfterMs)
      else decline(name, 'refused', refusal)
    },
    lost(name, { reason, retryAfterMs }) {
      const channel = channels.get(name)
      if (!channel || !isOpen) return
      if (retryAfterMs !== undefined) askAfter(channel, retryAfterMs)
      messages?.unknownOf(name)
      if (retryAfterMs === undefined) {
        decline(name, 'ended', { code: 'CLOSED', message: `The server has ended '${name}'` })
      }
      gap({ channel: name, reason })
    },
    linkReady(_link, terms) {
      isOpen = true
      answers = terms.answers
      const known = new Set(terms.known)
      for (const channel of channels) {
        if (channel.onServer === 'ended') continue
        const isKnown = known.delete(channel.name)
        // A poll may have confirmed it: the server of this link was not asked yet.
        if (!isKnown) moveTo(channel, 'no')
        else if (channel.onServer !== 'confirmed') moveTo(channel, 'pending')
        if (isKnown || isWanted(channel)) changed.add(channel)
      }
      for (const name of known) {
        // The application has left it since.
        const channel = channels.of(name)
        channel.onServer = 'pending'
        changed.add(channel)
      }
      sync()
    },
    repeat() {
      if (!isOpen || !answers) return
      for (const channel of channels) {
        if (channel.onServer !== 'pending' && channel.onServer !== 'refused') continue
        moveTo(channel, 'no')
        changed.add(channel)
      }
      sync()
    },
    linkClosed() {
      isOpen = false
      for (const channel of channels) {
        if (channel.onServer !== 'ended') moveTo(channel, 'no')
        // What is still to be looked at keeps its record.
        if (!changed.has(channel)) channels.tidy(channel)
      }
      for (const { ready } of awaiting) ready?.restart()
    },
    reset() {
      generation++
      for (const { readers } of all) for (const reader of readers ?? NOBODY) reader.reset()
    },
    end() {
      for (const member of all) end(member)
      for (const channel of wanted()) {
        channel.members = undefined
        channel.isManual = false
      }
    },
  }
}
