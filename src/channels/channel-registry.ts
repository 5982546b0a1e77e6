/** Which channels the application listens to, and through which subscriptions. */
import type { Call } from '../shared/call.ts'
import type { Timers } from '../shared/timers.ts'
import {
  addMember,
  type Channel,
  type Channels,
  isWanted,
  type Members,
  membersOf,
  removeMember,
} from './channel.ts'
import { type ChannelAnswers, createChannelAnswers } from './channel-answers.ts'
import { type ChannelMessages, createChannelStates } from './channel-states.ts'
import { type ChannelLinkUser, createChannelSync } from './channel-sync.ts'
import { createManualSubscribe, type ManualSubscribe } from './manual-subscribe.ts'
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

export interface ChannelRegistryDeps {
  readonly channels: Channels
  readonly call: Call
  readonly timers: Timers
  onGap(gap: ChannelGap): void
  onRecovered(recovery: Recovery): void
  /** A reader was too slow: it does not read this message. */
  onDropped(message: unknown): void
}

export interface ChannelRegistry extends ChannelLinkUser, ChannelAnswers {
  subscribe<Message>(
    channels: string | readonly string[],
    listener?: (message: Message, channel: string) => void,
    options?: SubscribeOptions,
  ): Subscription<Message>
  /** Follows a `subscribe` or `unsubscribe` message of the application's own. */
  readonly manual: ManualSubscribe
  /** Grows whenever nobody listens to some channel any more, whose position is forgotten. */
  readonly revision: number
  /** Messages of the application that need a channel wait in the outbox until the server has accepted it. */
  holdMessages(messages: ChannelMessages): void
  /** Delivers a message to the listeners and readers of its channel. */
  deliver(channel: string, message: unknown): void
  /** Channels that the application listens to. */
  names(): readonly string[]
  /** Reports a gap, as an event and to the subscriptions of its channel. */
  gap(gap: ChannelGap): void
  /** Reports a gap to the subscriptions of every channel, without a `gap` event. */
  gapOnAll(reason: string): void
  /** Reports that missing messages follow, as an event and to the subscriptions of their channel. */
  recovered(recovery: Recovery): void
  /** The server may have ignored a `subscribe`: asks again for each channel that it has not confirmed. */
  repeat(): void
  /** Another user: forgets what readers have not read. */
  reset(): void
  /** Ends every subscription. */
  end(): void
}

export const createChannelRegistry = (deps: ChannelRegistryDeps): ChannelRegistry => {
  const { channels, call } = deps
  const states = createChannelStates(deps.timers)
  const sync = createChannelSync({ channels, states })
  const all = new Set<Member>()
  /** Users so far: a message of the former one reaches no further member. */
  let users = 0

  const join = (member: Member): void => {
    all.add(member)
    // The channels share one object: it stays in the processor's caches while messages of many channels come.
    const alone: Members = { all: new Set([member]), list: [member] }
    for (const name of member.channels) {
      const channel = channels.of(name)
      if (channel.onServer === 'ended') states.move(channel, 'no')
      addMember(channel, member, alone)
      sync.holdIfPending(channel)
      sync.changed(channel)
    }
  }

  const end = (member: Member): void => {
    member.isActive = false
    all.delete(member)
    member.ready?.check()
    for (const reader of member.readers ?? []) reader.end()
  }

  const leave = (member: Member): void => {
    if (!member.isActive) return
    for (const name of member.channels) {
      const channel = channels.of(name)
      removeMember(channel, member)
      sync.changed(channel)
    }
    end(member)
  }

  const subscriptionDeps = {
    call,
    channels,
    awaiting: states.awaiting,
    earlyReaders: createEarlyReaders(deps.timers),
    join,
    leave,
    onGap: deps.onGap,
    onDropped: deps.onDropped,
  }

  const wanted = (): Channel[] => [...channels].filter(isWanted)

  const gapToMembers = (channel: Channel | undefined, gap: ChannelGap): void => {
    for (const member of membersOf(channel)) notifyGap(member, gap, call)
  }

  const gap = (gap: ChannelGap): void => {
    deps.onGap(gap)
    gapToMembers(channels.get(gap.channel), gap)
  }

  const answers = createChannelAnswers({ channels, states, sync, onLost: gap })

  return {
    get revision() {
      return sync.revision
    },
    holdMessages(messages) {
      states.messages = messages
    },
    linkReady: sync.linkReady,
    linkClosed: sync.linkClosed,
    repeat: sync.repeat,
    confirmed: answers.confirmed,
    refused: answers.refused,
    lost: answers.lost,
    subscribe: (names, listener, options = {}) =>
      createSubscription(subscriptionDeps, names, listener, options),
    manual: createManualSubscribe({ channels, states, sync }),
    deliver(channel, message) {
      const user = users
      const isStale = (): boolean => user !== users
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
    reset() {
      users++
      for (const { readers } of all) for (const reader of readers ?? []) reader.reset()
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
