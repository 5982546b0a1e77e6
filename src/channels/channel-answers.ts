/** The server's answer for each channel by itself: accepted, declined, or ended later. */
import { ResilientWebSocketError } from '../errors.ts'
import type { ChannelLoss, ChannelRefusal } from '../protocol/protocol.ts'
import { type Channels, isWanted, membersOf } from './channel.ts'
import type { ChannelStates } from './channel-states.ts'
import type { ChannelSync } from './channel-sync.ts'
import type { ChannelGap } from './member.ts'

export interface ChannelAnswers {
  /** The server has accepted a channel. */
  confirmed(name: string): void
  /** The server has declined a channel. */
  refused(name: string, refusal?: ChannelRefusal): void
  /** The server has ended a channel that it had accepted. */
  lost(name: string, loss: ChannelLoss): void
}

export interface ChannelAnswersDeps {
  readonly channels: Channels
  readonly states: ChannelStates
  readonly sync: ChannelSync
  /** The server has ended a channel: its messages may be missing from now on. */
  onLost(gap: ChannelGap): void
}

export const createChannelAnswers = (deps: ChannelAnswersDeps): ChannelAnswers => {
  const { channels, states, sync } = deps

  const decline = (name: string, onServer: 'refused' | 'ended', refusal: ChannelRefusal): void => {
    const channel = channels.get(name)
    if (!channel) return
    const { code = 'FORBIDDEN', message = `The server gives no '${name}'`, detail } = refusal
    const error = new ResilientWebSocketError(code, message, undefined, { channel: name })
    states.move(channel, onServer, error)
    states.messages?.rejectChannel(name, { code, message, detail })
    for (const each of membersOf(channel)) each.ready?.declined(error)
  }

  return {
    confirmed(name) {
      const channel = channels.get(name)
      if (channel && isWanted(channel)) states.confirm(channel)
    },
    refused(name, refusal = {}) {
      const channel = channels.get(name)
      if (channel && refusal.retryAfterMs !== undefined) {
        sync.askAfter(channel, refusal.retryAfterMs)
      } else decline(name, 'refused', refusal)
    },
    lost(name, { reason, retryAfterMs }) {
      const channel = channels.get(name)
      if (!channel || !sync.isOpen) return
      if (retryAfterMs !== undefined) sync.askAfter(channel, retryAfterMs)
      states.messages?.unknownOf(name)
      if (retryAfterMs === undefined) {
        decline(name, 'ended', { code: 'CLOSED', message: `The server has ended '${name}'` })
      }
      deps.onLost({ channel: name, reason })
    },
  }
}
