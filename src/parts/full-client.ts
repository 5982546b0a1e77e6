/** `createResilientWebSocket` of the main entry: a client with everything in it. */
import type { ResilientWebSocket } from '../client/client-types.ts'
import { create } from '../client/create.ts'
import type { ResilientWebSocketOptions } from '../options/options.ts'
import type { Part } from '../options/part.ts'
import { envelope } from '../protocol/envelope.ts'
import type { IncomingEnvelope, OutgoingEnvelope } from '../protocol/envelope-types.ts'
import { polling } from './polling.ts'
import { requests } from './requests.ts'
import { sessions } from './sessions.ts'
import { subscriptions } from './subscriptions.ts'

const everything = (): readonly Part[] => [subscriptions(), requests(), polling(), sessions()]

const EVERYTHING: readonly Part[] = /* @__PURE__ */ everything()
const ENVELOPE = /* @__PURE__ */ envelope()

/**
 * Opens a connection that keeps itself alive. Connects at once unless `enabled` is false.
 *
 * ```ts
 * const socket = createResilientWebSocket({ url: 'wss://example.com/ws' })
 * socket.on('status', ({ to }) => console.log(to))
 * socket.on('message', message => console.log(message))
 * socket.send({ type: 'order', data: { symbol: 'AAPL', quantity: 10 } })
 * ```
 *
 * Throws a `TypeError` or `RangeError` for a bad option, and only then.
 */
export const createResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options?: ResilientWebSocketOptions<Incoming, Outgoing>,
): ResilientWebSocket<Incoming, Outgoing> => create(options, EVERYTHING, ENVELOPE as never)
