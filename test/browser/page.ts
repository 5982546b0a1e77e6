/** What the page shows to its tests. */
import type { IncomingEnvelope, ResilientWebSocket } from '../../src/index.ts'

declare global {
  interface Window {
    __demo: {
      socket: ResilientWebSocket<IncomingEnvelope>
      tally: Record<'received' | 'batched' | 'missing' | 'doubled' | 'missed' | 'gaps', number>
    }
  }
}
