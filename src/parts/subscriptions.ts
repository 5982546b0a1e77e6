/** `subscriptions()`: channels. */
import { createChannels } from '../channels/channel.ts'
import { createChannelRegistry } from '../channels/channel-registry.ts'
import type { SubscriptionsPart } from '../client/parts.ts'
import type { Part } from '../options/part.ts'

/** Adds `subscribe()`: channels that the server is told of on every link, with listeners, `ready` and async iteration. */
export const subscriptions = (): Part<'subscriptions'> => {
  const part: SubscriptionsPart = {
    name: 'subscriptions',
    createChannels,
    createChannelRegistry,
  }
  return part
}
