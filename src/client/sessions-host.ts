/** What protocol v1 asks of the client. */
import type { LiveLink } from '../connection/link-user.ts'
import type { Sequence } from '../delivery/sequence.ts'
import type { EnvelopeHost } from '../protocol/envelope-core.ts'
import type { SessionsDeps } from '../protocol/v1/deps.ts'
import { createSessions } from '../protocol/v1/sessions.ts'
import type { AgreedTerms, ConversationDeps } from './conversation.ts'

/** Protocol v1 for the conversation of one client; `live` gives the link that is open. */
export const createSessionsHost = <Incoming, Outgoing>(
  deps: ConversationDeps<Incoming, Outgoing>,
  live: () => LiveLink | undefined,
): EnvelopeHost['sessions'] => {
  const { records, channels, connection, ids, outbox } = deps
  if (!records) return undefined
  const given: SessionsDeps = {
    secret: ids.secret,
    sequence: outbox.sequence as Sequence,
    channels: records,
    registry: channels,
    onAgreed({ maxInFlight, told }) {
      const terms: AgreedTerms = { maxInFlight, channels: told, isSequenced: true }
      live()?.ready(terms)
    },
    onRefused: message => connection.refuse(message, 'runtime'),
  }
  return (core, version) => createSessions(given, core, version)
}
