/** The client of the components below, as a provider names it. */
import { type Context, createContext, createElement, type ReactNode } from 'react'
import type { AnyClient } from '../adapters/options.ts'

/** `undefined`: there is no provider; `null`: there is one, without a client yet. */
export const ProvidedClient: Context<AnyClient | null | undefined> = createContext<
  AnyClient | null | undefined
>(undefined)

/** Props of `ResilientWebSocketProvider`. */
export interface ResilientWebSocketProviderProps {
  /**
   * The client for every hook below that names neither `socket` nor `url`. It stays yours to close.
   * `null` or `undefined`: there is none yet, and the hooks below dial nothing.
   */
  socket: AnyClient | null | undefined
  /** The components that use it. */
  children?: ReactNode
}

/** Names the client for the components below it. */
export const ResilientWebSocketProvider = ({
  socket,
  children,
}: ResilientWebSocketProviderProps): ReactNode =>
  createElement(ProvidedClient.Provider, { value: socket ?? null }, children)
