/** What the client does with the answers to polls and POSTs. */
import type { PollInbox } from '../http/poll-inbox.ts'
import type { Environment } from '../shared/runtime.ts'
import type { ClientConversation } from './client-conversation.ts'
import type { Drops } from './drops.ts'
import type { PublicEvents } from './public-events.ts'
import type { Received } from './received.ts'
import type { User } from './user.ts'

export interface PollInboxDeps<Incoming, Outgoing> {
  readonly events: PublicEvents<Incoming, Outgoing>
  readonly user: User
  readonly drops: Drops
  readonly received: Received<Incoming>
  readonly conversation: ClientConversation<Incoming, Outgoing>
  readonly environment: Environment
}

export const createPollInbox = <Incoming, Outgoing>(
  deps: PollInboxDeps<Incoming, Outgoing>,
): PollInbox => {
  const { user, drops, received, conversation } = deps
  const { protocol } = conversation
  return {
    arrived() {
      received.arrivedAt = deps.environment.now()
    },
    read(body) {
      user.wasShown = true
      const messages = protocol.http?.readPoll(body)
      conversation.follows ??= messages !== undefined
      return messages
    },
    onPoll: poll => deps.events.emit('poll', poll),
    accept(message) {
      drops.isPolled = true
      if (protocol.deliver) protocol.deliver(message)
      else received.accept(message as Incoming)
      drops.isPolled = false
    },
  }
}
