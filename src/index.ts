/**
 * Keeps a realtime connection alive in any frontend, and keeps the messages on it whole.
 *
 * @module
 */

export type { ChannelGap, Recovery, SubscribeOptions } from './channels/member.ts'
export type { Subscription } from './channels/subscription.ts'
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
export type { Phase, StateChange, Status } from './connection/states.ts'
export type { Delivery, DeliveryState, RejectReason } from './delivery/delivery.ts'
export type { Schema, SchemaResult } from './delivery/inbox.ts'
export { type ErrorCode, isResilientWebSocketError, ResilientWebSocketError } from './errors.ts'
export type { Poll } from './http/polling.ts'
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
} from './options/options.ts'
export { DEFAULTS } from './options/options.ts'
export { type EnvelopeOptions, envelope } from './protocol/envelope.ts'
export type { IncomingEnvelope, OutgoingEnvelope } from './protocol/envelope-types.ts'
export type {
  ChannelLoss,
  ChannelRefusal,
  Conversation,
  DialTarget,
  LinkTerms,
  Protocol,
  ProtocolHost,
  ProtocolLink,
  Refusal,
  ServerTerms,
} from './protocol/protocol.ts'
export { type RawData, raw } from './protocol/raw.ts'
export type {
  Environment,
  PageEvents,
  WebSocketConstructor,
  WebSocketLike,
} from './shared/runtime.ts'
export type { Timers } from './shared/timers.ts'
export type { Frame } from './transport/transport.ts'
