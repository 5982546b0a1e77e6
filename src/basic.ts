/**
 * The same client from parts: only what every application needs, and what `use` adds.
 *
 * @module
 */

export type {
  ChannelGap,
  Recovery,
  SubscribeOptions,
} from './channels/member.ts'
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
  Snapshot,
} from './client/client-types.ts'
export type { Retry } from './connection/redial-wait.ts'
export type { Phase, StateChange, Status } from './connection/states.ts'
export type { Delivery, DeliveryState, RejectReason } from './delivery/delivery.ts'
export type { SendOptions } from './delivery/send.ts'
export {
  type ErrorCode,
  type ErrorFacts,
  type ErrorHint,
  isResilientWebSocketError,
  ResilientWebSocketError,
} from './errors.ts'
export type { Poll } from './http/poll-inbox.ts'
export {
  CORE_DEFAULTS as DEFAULTS,
  type CoreDefaults as Defaults,
} from './options/core-defaults.ts'
export type {
  BatchOptions,
  DedupeOptions,
  FallbackOptions,
  HeartbeatOptions,
  HistoryOptions,
  QueueOptions,
  ReconnectOptions,
  ResilientWebSocketOptions,
} from './options/options.ts'
export type { Part } from './options/part.ts'
export type { Schema, SchemaResult } from './options/schema.ts'
export {
  type BasicOptions,
  type ClientWith,
  createResilientWebSocket,
} from './parts/basic-client.ts'
export { polling } from './parts/polling.ts'
export { requests } from './parts/requests.ts'
export { sessions } from './parts/sessions.ts'
export { subscriptions } from './parts/subscriptions.ts'
export { type EnvelopeOptions, envelope as json } from './protocol/envelope.ts'
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
export type { Logger } from './shared/log.ts'
export type { ValueOrProvider } from './shared/resolve-value.ts'
export type {
  Environment,
  PageEvents,
  WebSocketConstructor,
  WebSocketLike,
} from './shared/runtime.ts'
export type { CloseDetails, Frame } from './transport/transport.ts'
