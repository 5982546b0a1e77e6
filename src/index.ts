/**
 * Keeps a realtime connection alive in any frontend, and keeps the messages on it whole.
 *
 * @module
 */
export type {
  ChangeOptions,
  ClientEvents,
  Drop,
  Gap,
  MessageOf,
  MessageType,
  Metrics,
  RequestOptions,
  ResilientWebSocket,
  Retry,
  SendOptions,
  Snapshot,
} from './api.ts'
export { createResilientWebSocket } from './client.ts'
export type { Phase, StateChange, Status } from './connection/status.ts'
export type { Delivery, DeliveryState, RejectReason } from './delivery/delivery.ts'
export type { Schema, SchemaResult } from './delivery/inbox.ts'
export type {
  ChannelGap,
  Recovery,
  SubscribeOptions,
  Subscription,
} from './delivery/subscriptions.ts'
export type {
  Environment,
  PageEvents,
  WebSocketConstructor,
  WebSocketLike,
} from './environment.ts'
export { type ErrorCode, isResilientWebSocketError, ResilientWebSocketError } from './errors.ts'
export type {
  BatchOptions,
  CloseDetails,
  DedupeOptions,
  FallbackOptions,
  HeartbeatOptions,
  HistoryOptions,
  Logger,
  MaybeAsked,
  QueueOptions,
  ReconnectOptions,
  ResilientWebSocketOptions,
} from './options.ts'
export { DEFAULTS } from './options.ts'
export {
  type EnvelopeOptions,
  envelope,
  type IncomingEnvelope,
  type OutgoingEnvelope,
} from './protocol/envelope.ts'
export type {
  Agreement,
  Conversation,
  Protocol,
  ProtocolHost,
  ServerTerms,
} from './protocol/protocol.ts'
export { type RawData, raw } from './protocol/raw.ts'
export type { Timers } from './timers.ts'
export type { Poll } from './transport/polling.ts'
export type { Frame } from './transport/transport.ts'
