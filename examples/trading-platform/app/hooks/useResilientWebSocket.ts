'use client'
import { CONNECTION } from '@/app/market/connection'
import { type Connection, type HookOptions, useResilientWebSocket as useLibrary } from './library'

/** The library's hook on this page's connection. All that use it share one WebSocket. */
export const useResilientWebSocket = (options: HookOptions = {}): Connection =>
  useLibrary({ ...CONNECTION, ...options })
