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
  OnTakeover,
  Position,
  Publication,
  Published,
} from './broker/broker.ts'
export { BrokerError } from './broker/broker.ts'
export { MemoryBroker, type MemoryBrokerOptions } from './broker/memory-broker.ts'
export { RedisBroker } from './broker/redis/redis-broker.ts'
export type { RedisBrokerOptions } from './broker/redis/redis-options.ts'
export type {
  Refused,
  SessionContact,
  SessionRecord,
  SessionStore,
} from './broker/session-store.ts'
export {
  createServer,
  type ResilientServer,
} from './create-server.ts'
export type { Feed, Publisher } from './feeds/feed.ts'
export { type ReplayOptions, startReplay } from './feeds/replay.ts'
export {
  MARKET_SYMBOLS,
  type MarketOptions,
  type Quote,
  startMarket,
} from './feeds/simulated-market.ts'
export type { ServerLogger } from './logging.ts'
export type { Identity, ServerClient, ServerOptions } from './options.ts'
export type { ServerEvents } from './server-events.ts'
export type { DrainOptions } from './shutdown.ts'
