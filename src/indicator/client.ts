import type { ResilientWebSocket } from 'resilient-websocket'

/** Any client: what its messages are makes no difference here. */
// biome-ignore lint/suspicious/noExplicitAny: as said
export type AnyClient = ResilientWebSocket<any, any>
