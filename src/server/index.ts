/**
 * The companion server.
 *
 * @module
 */

export type { WireMessage } from '../protocol/wire-types.ts'
export type {
  Broker,
  Deliver,
  History,
  HistoryQuery,
  Position,
  Publication,
  Published,
  Taken,
} from './broker.ts'
export { BrokerError } from './broker.ts'
export {
  createServer,
  type DrainOptions,
  type ResilientServer,
  type ServerEvents,
} from './create-server.ts'
export type { Feed, Publisher } from './feed.ts'
export { MARKET_SYMBOLS, type MarketOptions, type Quote, startMarket } from './market.ts'
export { MemoryBroker, type MemoryBrokerOptions } from './memory-broker.ts'
export type { Identity, ServerClient, ServerLogger, ServerOptions } from './options.ts'
export { RedisBroker, type RedisBrokerOptions } from './redis-broker.ts'
export { type ReplayOptions, startReplay } from './replay.ts'
export type { Contact, Refused, SessionRecord, Sessions } from './sessions.ts'
