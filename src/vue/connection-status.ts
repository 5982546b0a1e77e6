/** `<connection-status>` in Vue: a component that always reaches the element. */
import { type FunctionalComponent, h } from 'vue'
import type { AnyClient } from '../adapters/options.ts'

/** Props of `ConnectionStatus`. */
export interface ConnectionStatusProps {
  /** The client to show, such as `socket` of `useResilientWebSocket()`; `null` or `undefined` shows nothing. */
  client: AnyClient | null | undefined
  /** Texts in place of the English ones: `Partial<IndicatorStrings>`. @default the English ones */
  strings?: object
}

/**
 * The indicator as a component: `<ConnectionStatus :client="socket" />`. It needs no `isCustomElement`, and also works after
 * a server's HTML was hydrated and where `resilient-websocket/indicator`, which registers the element, is imported later.
 */
export const ConnectionStatus: FunctionalComponent<ConnectionStatusProps> = ({ client, strings }) =>
  // A dot makes a property of it, whatever the element knows at the moment.
  h('connection-status', { '.client': client ?? undefined, '.strings': strings ?? {} })

ConnectionStatus.props = ['client', 'strings']
ConnectionStatus.displayName = 'ConnectionStatus'
