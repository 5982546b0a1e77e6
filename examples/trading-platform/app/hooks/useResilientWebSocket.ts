'use client'
import type { IncomingEnvelope, OutgoingEnvelope } from 'resilient-websocket'
import {
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useResilientWebSocket as useLibrary,
} from 'resilient-websocket/react'
import { CONNECTION } from '@/app/market/connection'

/** The library's hook with this app's settings: all that use it share one connection. */
export const useResilientWebSocket = <Incoming = IncomingEnvelope, Outgoing = OutgoingEnvelope>(
  options: UseResilientWebSocketOptions<Incoming, Outgoing> = {},
): UseResilientWebSocketResult<Incoming, Outgoing> => useLibrary({ ...CONNECTION, ...options })
