/** A client, as the indicator sees it. */
import type { ResilientWebSocket } from 'resilient-websocket'

/** A client, whatever its messages are. */
// biome-ignore lint/suspicious/noExplicitAny: only `any` takes clients of every kind of message
export type AnyClient = ResilientWebSocket<any, any>
