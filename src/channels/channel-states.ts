/** What the server knows of each channel, and who hears of a change: waiting messages, and subscriptions whose `ready` waits. */
import type { Refusal } from '../protocol/protocol.ts'
import type { Timers } from '../shared/timers.ts'
import { type Channel, membersOf, type OnServer } from './channel.ts'
import type { Member } from './member.ts'

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

export interface ChannelStates {
  /** Messages of the application that need a channel; `undefined` where none do. Set once the protocol is known. */
  messages: ChannelMessages | undefined
  /** Members whose `ready` waits for the server. */
  readonly awaiting: Set<Member>
  /** Notes what the server knows of a channel, and why it has declined it. */
  move(channel: Channel, onServer: OnServer, refusal?: Error): void
  /** The server has accepted a channel, or has been asked for it and does not answer. */
  confirm(channel: Channel): void
  /** The channel is `no` again after a delay, in ms; `ask` is called then. */
  moveAfter(channel: Channel, delayMs: number, ask: () => void): void
}

const retryTimer = ({ name }: Channel): string => `channel ${name}`

export const createChannelStates = (timers: Timers): ChannelStates => {
  const awaiting = new Set<Member>()

  const states: ChannelStates = {
    messages: undefined,
    awaiting,
    move(channel, onServer, refusal) {
      if (channel.onServer === 'waiting') timers.clear(retryTimer(channel))
      channel.onServer = onServer
      channel.refusal = refusal
    },
    confirm(channel) {
      states.move(channel, 'confirmed')
      states.messages?.release(channel.name)
      if (awaiting.size) for (const each of membersOf(channel)) each.ready?.confirmed(channel.name)
    },
    moveAfter(channel, delayMs, ask) {
      states.move(channel, 'waiting')
      states.messages?.hold(channel.name)
      timers.set(retryTimer(channel), delayMs, () => {
        channel.onServer = 'no'
        ask()
      })
    },
  }
  return states
}
