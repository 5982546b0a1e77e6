/**
 * Keeps a realtime connection alive in any frontend, and keeps the messages on it whole.
 *
 * @module
 */

export type {
  ChannelGap,
  Recovery,
  SubscribeOptions,
  Subscription,
} from './channels/subscriptions.ts'
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
} from './client/client-types.ts'
export { createResilientWebSocket } from './client/create-client.ts'
export { DEFAULTS, type Defaults } from './client/defaults.ts'
export type { Phase, StateChange, Status } from './connection/states.ts'
export type { Delivery, DeliveryState, RejectReason } from './delivery/delivery.ts'
export {
  type ErrorCode,
  type ErrorFacts,
  type ErrorHint,
  isResilientWebSocketError,
  ResilientWebSocketError,
} from './errors.ts'
export type { Poll } from './http/polling.ts'
export type {
  BatchOptions,
  CloseDetails,
  DedupeOptions,
  FallbackOptions,
  HeartbeatOptions,
  HistoryOptions,
  QueueOptions,
  ReconnectOptions,
  ResilientWebSocketOptions,
} from './options/options.ts'
export type { Schema, SchemaResult } from './options/schema.ts'
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
export type { Logger } from './shared/log.ts'
export type { ValueOrProvider } from './shared/resolve-value.ts'
export type {
  Environment,
  PageEvents,
  WebSocketConstructor,
  WebSocketLike,
} from './shared/runtime.ts'
export type { Timers } from './shared/timers.ts'
export type { Frame } from './transport/transport.ts'
