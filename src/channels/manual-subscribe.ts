/** Follows `subscribe` and `unsubscribe` messages that the application sends itself, so that no second frame says the same. */
import type { Channel, Channels } from './channel.ts'
import type { ChannelStates } from './channel-states.ts'
import type { ChannelSync } from './channel-sync.ts'

export interface ManualSubscribeDeps {
  readonly channels: Channels
  readonly states: ChannelStates
  readonly sync: ChannelSync
}

/**
 * To be called when such a message is queued. Returns what is to be called when it is settled; `hasLeft`: it was sent,
 * and the server may have read it.
 */
export type ManualSubscribe = (
  type: 'subscribe' | 'unsubscribe',
  names: readonly string[],
) => (hasLeft: boolean) => void

export const createManualSubscribe = ({
  channels,
  states,
  sync,
}: ManualSubscribeDeps): ManualSubscribe => {
  const setManual = (isManual: boolean, names: readonly string[]): void => {
    for (const name of names) {
      const channel = channels.of(name)
      channel.isManual = isManual
      if (isManual && channel.onServer === 'ended') states.move(channel, 'no')
      sync.changed(channel)
    }
  }

  const left = (channel: Channel, adds: boolean): void => {
    if (adds && !sync.answers) states.confirm(channel)
    // A server that answers says where a channel goes on only when it is asked with a position, as `sync` does.
    else if (!adds || channel.onServer !== 'confirmed') states.move(channel, 'no')
  }

  return (type, names) => {
    const adds = type === 'subscribe'
    const fresh = names.filter(name => !channels.get(name)?.isManual)
    setManual(adds, names)
    for (const name of names) channels.of(name).announced++
    return hasLeft => {
      for (const name of names) {
        const channel = channels.of(name)
        channel.announced--
        sync.changed(channel)
        if (hasLeft) left(channel, adds)
      }
      // The server never reads a rejected message: the application does not want its channels after all.
      if (adds && !hasLeft) setManual(false, fresh)
      sync.flush()
    }
  }
}
