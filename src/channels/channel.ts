/** One record a channel: all that the client knows of it, whichever part asks. */
import type { Member } from './member.ts'

/** A position in a channel's history, as protocol v1 has them. */
export interface Position {
  readonly epoch: string
  /** The newest message that the client has. */
  offset: number
}

/**
 * What the server of this link knows of the client's interest in a channel. `no`: it was not asked for it, or was left.
 * `waiting`: it is asked when a delay is over. `pending`: it was asked and has not answered. `confirmed`: it has accepted
 * (a server that does not answer is taken to). `refused`: it has declined, and is asked again on the next link. `ended`:
 * it has ended the channel for good, and is asked again for a new subscription only.
 */
export type OnServer = 'no' | 'waiting' | 'pending' | 'confirmed' | 'refused' | 'ended'

/** Subscriptions of one channel. An object with a single member may be shared by many channels: it is not changed. */
export interface Members {
  readonly all: Set<Member>
  /** A copy of `all` for a walk during which members may come and go. Made when it is needed. */
  list: readonly Member[] | undefined
}

export interface Channel {
  readonly name: string
  /** Subscriptions that listen to it; `undefined`: none. */
  members: Members | undefined
  /** The application has subscribed to it with a message of its own. */
  isManual: boolean
  onServer: OnServer
  /** Why the server has refused or ended it. */
  refusal: Error | undefined
  /** Messages of the application that wait in the outbox and subscribe to it or leave it. */
  announced: number
  /** Where the client stands in it; `undefined`: nowhere yet. */
  cursor: Position | undefined
  /** The id of the newest `subscribe` frame that names it. */
  pendingId: string | undefined
  /** The id under which messages that are missing were asked for; `undefined`: no answer is awaited. */
  resumeId: string | undefined
  /** It went on while the server gave no positions: without a cursor nobody can know what the client has missed. */
  isUnpositioned: boolean
}

export interface Channels extends Iterable<Channel> {
  readonly size: number
  get(name: string): Channel | undefined
  /** The record of this channel, made if there is none. */
  of(name: string): Channel
  /** Deletes a record that says nothing any more. */
  tidy(channel: Channel): void
}

/** The application wants its messages. */
export const isWanted = ({ members, isManual }: Channel): boolean =>
  isManual || members !== undefined

export const createChannels = (): Channels => {
  const records = new Map<string, Channel>()
  return {
    get size() {
      return records.size
    },
    get: name => records.get(name),
    of(name) {
      const known = records.get(name)
      if (known) return known
      const channel: Channel = {
        name,
        members: undefined,
        isManual: false,
        onServer: 'no',
        refusal: undefined,
        announced: 0,
        cursor: undefined,
        pendingId: undefined,
        resumeId: undefined,
        isUnpositioned: false,
      }
      records.set(name, channel)
      return channel
    },
    tidy(channel) {
      const { name, onServer, announced, cursor } = channel
      if (isWanted(channel) || onServer !== 'no' || announced || cursor) return
      if (records.get(name) === channel) records.delete(name)
    },
    [Symbol.iterator]: () => records.values(),
  }
}
