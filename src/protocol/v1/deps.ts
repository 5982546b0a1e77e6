/** What protocol v1 needs of the client besides what every protocol does. */
import type { Channels } from '../../channels/channel.ts'
import type { ChannelRegistry } from '../../channels/channel-registry.ts'
import type { Sequence } from '../../delivery/sequence.ts'

/** The registry as protocol v1 uses it; absent in a client without `subscribe()`. */
export type V1Registry =
  | Pick<ChannelRegistry, 'confirmed' | 'refused' | 'gap' | 'recovered'>
  | undefined

export interface SessionsDeps {
  /** A name that nobody can guess; `undefined` where the runtime has no `crypto`. */
  secret(): string | undefined
  readonly sequence: Sequence
  /** One record a channel, also where nothing subscribes. */
  readonly channels: Channels
  readonly registry: V1Registry
  /** The link has acks and positions from now on: messages may flow. */
  onAgreed(agreement: Agreement): void
  /** The client can do nothing with this server: ERROR, with this message. */
  onRefused(message: string): void
}

/** What the two sides agreed on, on a link with acks. */
export interface Agreement {
  /** Unacknowledged messages, at most. */
  readonly maxInFlight: number
  /** Channels that the server knows by now. */
  readonly channels: readonly string[]
}
