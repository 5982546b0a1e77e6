/** The conversation as the other parts of a client see it. */

import type { LinkUser } from '../connection/link-user.ts'
import type { OwnConversation } from '../protocol/own-conversation.ts'
import type { LinkTerms } from '../protocol/protocol.ts'

/** What a link with sessions has beside what every protocol says. */
export interface AgreedTerms extends LinkTerms {
  /** Messages are numbered, and channels have positions. */
  readonly isSequenced?: boolean
}

export interface ClientConversation<Incoming, Outgoing> extends LinkUser<AgreedTerms> {
  readonly protocol: OwnConversation<Incoming, Outgoing>
  /** What came so far followed positions; `undefined`: nothing came. */
  follows: boolean | undefined
  receive(payload: unknown, at: number): void
  /** A newer token. A link that is not ready yet gets it when it is. */
  refreshToken(token: string | undefined): void
}
