/** Messages of the application that belong to a channel: they wait until the server has accepted it. */
import { type Channels, isWanted } from '../channels/channel.ts'
import type { ChannelMessages } from '../channels/channel-states.ts'
import type { Rejection } from '../delivery/delivery.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Refusal } from '../protocol/protocol.ts'

/** A server's no as the Delivery shows it. */
export const rejectionOf = ({ code, message }: Refusal): Rejection => ({
  reason: /^(unauthorized|forbidden)$/i.test(code ?? '') ? 'unauthorized' : 'refused',
  code,
  detail: message,
})

const NOT_SUBSCRIBED: Rejection = { reason: 'invalid' }

/** The outbox as the channels use it. */
export const channelMessages = (outbox: Outbox<never>): ChannelMessages => ({
  hold: outbox.hold,
  release: outbox.release,
  rejectChannel: (channel, refusal) =>
    outbox.rejectChannel(channel, refusal ? rejectionOf(refusal) : NOT_SUBSCRIBED),
  unknownOf: outbox.channelLost,
})

/** Why a message of this channel cannot be sent; `undefined`: it can, or it can wait. */
export const channelRefusal = (channels: Channels, name: string): Rejection | undefined => {
  const channel = channels.get(name)
  if (!channel || !isWanted(channel)) return NOT_SUBSCRIBED
  const { onServer, refusal } = channel
  if (onServer !== 'refused' && onServer !== 'ended') return undefined
  return rejectionOf(refusal as Refusal)
}
