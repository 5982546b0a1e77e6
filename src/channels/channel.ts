/** One record a channel: all that the client knows of it, whichever part asks. */
import type { Member } from './member.ts'

/** A position in a channel's history, as protocol v1 has them. */
export interface Position {
  readonly epoch: string
  /** The newest message that the client has. */
  offset: number
}

/**
 * How far the client has come with the server of this link. `no`: not subscribed. `waiting`: the client subscribes when a
 * delay is over. `pending`: the server has not answered the `subscribe`. `confirmed`: it has accepted, or is one that does
 * not answer. `refused`: it has declined; the client subscribes again on the next link. `ended`: it has ended the channel
 * for good; the client subscribes again only for a new subscription of the application.
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
  /** The id of the `subscribe` frame that asks for missing messages; `undefined`: no answer is awaited. */
  resumeId: string | undefined
  /** The channel went on while the server gave no positions: the client reports a gap once it has a cursor. */
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

/** The server of this link has been sent a `subscribe` for the channel, answered or not. */
export const isTold = ({ onServer }: Channel): boolean =>
  onServer === 'pending' || onServer === 'confirmed' || onServer === 'refused'

const NOBODY: readonly never[] = []

/** The subscriptions of a channel, to be walked. */
export const membersOf = (channel: Channel | undefined): readonly Member[] => {
  const members = channel?.members
  if (!members) return NOBODY
  members.list ??= [...members.all]
  return members.list
}

/** `alone`: for a channel without other members. */
export const addMember = (channel: Channel, member: Member, alone: Members): void => {
  const { members } = channel
  if (!members) channel.members = alone
  else if (members.all.size > 1) {
    members.all.add(member)
    members.list = undefined
  } else channel.members = { all: new Set([...members.all, member]), list: undefined }
}

export const removeMember = (channel: Channel, member: Member): void => {
  const { members } = channel
  if (!members?.all.has(member)) return
  if (members.all.size > 1) {
    members.all.delete(member)
    members.list = undefined
  } else channel.members = undefined
}

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
