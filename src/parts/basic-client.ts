/** `createResilientWebSocket` of `/basic`: a client with only what every application needs, and what `use` adds. */
import type { ResilientWebSocket } from '../client/client-types.ts'
import { create } from '../client/create.ts'
import type { FallbackOptions, ResilientWebSocketOptions } from '../options/options.ts'
import type { Part } from '../options/part.ts'
import type { Protocol } from '../protocol/protocol.ts'

/** Options of a client of `/basic`; those of a part are there only with the part. */
export interface BasicOptions<Incoming, Outgoing, Use extends readonly Part[]>
  extends Omit<ResilientWebSocketOptions<Incoming, Outgoing>, 'protocol' | 'fallback' | 'use'> {
  /** What frames mean: `json()`, `raw()` or another protocol. There is no default: leaving it out is a `TypeError`. */
  protocol: Protocol<Incoming, Outgoing>
  /** Parts that the client has besides; of two with one name the later counts. @default [] */
  use?: Use
  /** As in the main entry, with `polling()`; without it there is none. */
  fallback?: 'polling' extends Use[number]['name'] ? FallbackOptions | false : false
}

/** A client with the methods of the parts that it uses. */
export type ClientWith<
  Incoming,
  Outgoing,
  Use extends readonly Part[],
  All = ResilientWebSocket<Incoming, Outgoing>,
> = Omit<All, 'subscribe' | 'request'> &
  ('subscriptions' extends Use[number]['name'] ? Pick<All, 'subscribe' & keyof All> : unknown) &
  ('requests' extends Use[number]['name'] ? Pick<All, 'request' & keyof All> : unknown)

/**
 * Opens a connection that keeps itself alive, from the parts that are named. Connects at once unless `enabled` is false.
 *
 * ```ts
 * const socket = createResilientWebSocket({
 *   url: 'wss://example.com/ws',
 *   protocol: json(),
 *   use: [subscriptions(), polling()],
 * })
 * socket.subscribe('AAPL', message => console.log(message))
 * ```
 *
 * Throws a `TypeError` or `RangeError` for a bad option, also for one whose part is not used, and only then.
 */
export const createResilientWebSocket = <
  Incoming,
  Outgoing,
  const Use extends readonly Part[] = readonly [],
>(
  options: BasicOptions<Incoming, Outgoing, Use>,
): ClientWith<Incoming, Outgoing, Use> => create(options, [], undefined) as never
