/** Another user: one reset for everything that belongs to the one before. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Connection } from '../connection/connection.ts'
import type { Faults } from '../connection/faults.ts'
import type { RoundTrips } from '../connection/round-trips.ts'
import type { TokenProvider } from '../connection/token-provider.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { ResilientWebSocketError } from '../errors.ts'
import type { OwnConversation } from '../protocol/own-conversation.ts'
import type { PublicEvents } from './public-events.ts'
import type { Received } from './received.ts'
import type { User } from './user.ts'

export interface IdentityDeps {
  readonly user: User
  readonly events: PublicEvents<never, never>
  readonly connection: Connection
  readonly token: TokenProvider
  readonly faults: Faults
  readonly roundTrips: RoundTrips
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<never>
  readonly requests: Requests<never> | undefined
  readonly received: Received<never>
  readonly protocol: OwnConversation<never, never>
  /** The snapshot may differ. */
  onChange(): void
}

/**
 * Empties whatever holds messages or facts of the former user, then tells, then reconnects. `isNamed`: the former user
 * had a name, so that a token string is theirs; else the first name is that of the user whose token it is.
 */
const reset = (deps: IdentityDeps, isNamed: boolean): void => {
  const { user, connection, token, channels, outbox, requests, received } = deps
  const generation = ++user.generation
  const isOver = (): boolean => user.generation !== generation
  // What was received already; a listener of it may change the user again.
  received.flush()
  if (isOver()) return
  // Nothing of the former user may be left when listeners hear of it: what they send is the next one's.
  outbox.linkClosed()
  deps.protocol.reset?.()
  channels?.linkClosed?.()
  channels?.reset()
  received.reset()
  deps.roundTrips.reset()
  if (connection.state.status !== 'ERROR') deps.faults.clear()
  if (isNamed) token.forget()
  else token.set(undefined)
  const pending = requests?.pending() ?? []
  outbox.rejectAll('identity')
  // Their messages may be applied, but the answers are not the next user's to hear.
  for (const each of pending) {
    each.fail(new ResilientWebSocketError('UNKNOWN', 'The user has changed'))
  }
  if (isOver()) return
  deps.onChange()
  deps.events.emit('reset', undefined)
  if (!isOver()) connection.dispatch('outdated', 'Identity changed')
}

/** Says who the user is. Before a server may know one, and without a name before, it only takes note. */
export const setIdentity = (deps: IdentityDeps, identity: string | null): void => {
  const { user, connection } = deps
  const isNamed = user.identity !== undefined
  const wasShown = user.wasShown || connection.state.status === 'FALLBACK'
  if (identity === user.identity) return
  user.identity = identity
  if (wasShown || isNamed) reset(deps, isNamed)
}
