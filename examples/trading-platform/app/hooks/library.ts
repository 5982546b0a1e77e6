'use client'
import { useEffect, useRef, useState, useSyncExternalStore } from 'react'
import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type OutgoingEnvelope,
  type ResilientWebSocket,
  type ResilientWebSocketError,
  type ResilientWebSocketOptions,
  type Snapshot,
  type StateChange,
} from 'resilient-websocket'

type Socket = ResilientWebSocket<IncomingEnvelope, OutgoingEnvelope>

export interface HookOptions extends ResilientWebSocketOptions<IncomingEnvelope, OutgoingEnvelope> {
  onMessage?: (message: IncomingEnvelope) => void
  onBatch?: (messages: readonly IncomingEnvelope[]) => void
  onError?: (error: ResilientWebSocketError) => void
  onStatusChange?: (change: StateChange) => void
}

export interface Connection extends Snapshot<IncomingEnvelope> {
  readonly stateHistory: readonly StateChange[]
  readonly isConnected: boolean
  readonly connect: () => void
  readonly disconnect: () => void
  readonly reconnect: () => void
  readonly socket: Socket
}

const BEFORE: Snapshot<IncomingEnvelope> = {
  status: 'CONNECTING',
  phase: 'idle',
  attempt: 0,
  nextRetryAt: null,
  error: null,
  lastMessage: null,
  lastMessageAt: null,
  connectedAt: null,
  transport: null,
  queued: 0,
  latencyMs: null,
  sessionId: null,
}

const NOTHING: readonly StateChange[] = []

/** The one connection of the page. On a server each rendering has an own one, which stays closed. */
let shared: Socket | undefined

const socketFor = (
  options: ResilientWebSocketOptions<IncomingEnvelope, OutgoingEnvelope>,
): Socket => {
  if (typeof window === 'undefined') return createResilientWebSocket({ ...options, enabled: false })
  shared ??= createResilientWebSocket(options)
  return shared
}

export const useResilientWebSocket = (options: HookOptions = {}): Connection => {
  const { onMessage, onBatch, onError, onStatusChange, ...rest } = options
  const [socket] = useState(() => socketFor(rest))
  const snapshot = useSyncExternalStore(socket.onChange, socket.getSnapshot, () => BEFORE)
  const latest = useRef({ onMessage, onBatch, onError, onStatusChange })
  latest.current = { onMessage, onBatch, onError, onStatusChange }
  useEffect(() => {
    const ends = [
      socket.on('message', message => latest.current.onMessage?.(message)),
      socket.on('batch', messages => latest.current.onBatch?.(messages)),
      socket.on('error', error => latest.current.onError?.(error)),
      socket.on('status', change => latest.current.onStatusChange?.(change)),
    ]
    return () => {
      for (const end of ends) end()
    }
  }, [socket])
  const { connect, disconnect, reconnect } = socket
  return {
    ...snapshot,
    isConnected: snapshot.status === 'OPEN',
    stateHistory: snapshot === BEFORE ? NOTHING : socket.stateHistory,
    connect,
    disconnect,
    reconnect,
    socket,
  }
}
