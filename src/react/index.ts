/**
 * Hooks for React 18 and newer.
 *
 * @module
 */
'use client'

export type { Actions } from '../adapters/actions.ts'
export type { Channel, Channels } from '../adapters/channel-store.ts'
export type { LegacyStatus } from '../adapters/legacy-status.ts'
export type { AnyClient, Callbacks, ClientChoice } from '../adapters/options.ts'
export type { View } from '../adapters/view-store.ts'
export { ResilientWebSocketProvider, type ResilientWebSocketProviderProps } from './client.ts'
export {
  ConnectionStatus,
  type ConnectionStatusAttributes,
  type ConnectionStatusProps,
} from './connection-status.ts'
export {
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useResilientWebSocket,
} from './use-resilient-web-socket.ts'
export { useSubscription } from './use-subscription.ts'
export { type UseWebSocketResult, useWebSocket } from './use-web-socket.ts'
