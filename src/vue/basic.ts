/**
 * Composables for Vue 3.4 and newer, over the client of `/basic`.
 *
 * @module
 */
export type { Actions } from '../adapters/actions.ts'
export type { Channel, Channels } from '../adapters/channel-store.ts'
export type { LegacyStatus } from '../adapters/legacy-status.ts'
export type { AnyClient, Callbacks, ClientChoice } from '../adapters/options.ts'
export type { View } from '../adapters/view-store.ts'
export { useResilientWebSocket, useSubscription, useWebSocket } from './basic-composables.ts'
export { ConnectionStatus, type ConnectionStatusProps } from './connection-status.ts'
export { type Provided, provideResilientWebSocket } from './provider.ts'
export type { ReactiveChoice } from './reactive-choice.ts'
export type {
  UseResilientWebSocketOptions,
  UseResilientWebSocketResult,
  ViewRefs,
} from './use-connection.ts'
export type { UseWebSocketResult } from './use-legacy.ts'
