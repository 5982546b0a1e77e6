/**
 * Hooks for React 18 and newer, over the client of `/basic`.
 *
 * @module
 */
'use client'

export type { Actions } from '../adapters/actions.ts'
export type { Channel, Channels } from '../adapters/channel-store.ts'
export type { LegacyStatus } from '../adapters/legacy-status.ts'
export type { AnyClient, Callbacks, ClientChoice } from '../adapters/options.ts'
export type { View } from '../adapters/view-store.ts'
export { useResilientWebSocket, useSubscription, useWebSocket } from './basic-hooks.ts'
export {
  ConnectionStatus,
  type ConnectionStatusAttributes,
  type ConnectionStatusProps,
} from './connection-status.ts'
export { ResilientWebSocketProvider, type ResilientWebSocketProviderProps } from './provider.ts'
export type {
  UseResilientWebSocketOptions,
  UseResilientWebSocketResult,
} from './use-connection.ts'
export type { UseWebSocketResult } from './use-legacy.ts'
