/** What protocol v1 asks of the client. */
import type { Channels } from '../channels/channel.ts'
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { Connection } from '../connection/connection.ts'
import type { LiveLink } from '../connection/link-user.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Sequence } from '../delivery/sequence.ts'
import type { EnvelopeHost } from '../protocol/envelope-core.ts'
import type { SessionsDeps } from '../protocol/v1/deps.ts'
import { createSessions } from '../protocol/v1/sessions.ts'
import type { Ids } from '../shared/ids.ts'
import type { AgreedTerms } from './client-conversation.ts'

export interface SessionsHostDeps {
  readonly ids: Ids
  readonly connection: Connection
  /** One record a channel. */
  readonly records: Channels | undefined
  readonly channels: ChannelRegistry | undefined
  readonly outbox: Outbox<never>
}

/** Protocol v1 for the conversation of one client; `live` gives the link that is open. */
export const createSessionsHost = (
  deps: SessionsHostDeps,
  live: () => LiveLink | undefined,
): EnvelopeHost['sessions'] => {
  const { records, channels, connection, ids, outbox } = deps
  if (!records) return undefined
  const given: SessionsDeps = {
    secret: ids.secret,
    sequence: outbox.sequence as Sequence,
    channels: records,
    registry: channels,
    onAgreed({ maxInFlight, channels }) {
      const terms: AgreedTerms = { maxInFlight, channels, isSequenced: true }
      live()?.ready(terms)
    },
    onRefused: message => connection.refuse(message, 'runtime'),
  }
  return (core, version) => createSessions(given, core, version)
}
