/** `<connection-status>` in React: a component that always reaches the element, and JSX types for the element itself. */
import {
  createElement,
  type HTMLAttributes,
  type ReactElement,
  type Ref,
  useEffect,
  useRef,
} from 'react'
import type { AnyClient } from '../adapters/options.ts'

/** React 19 sets properties of custom elements, but not while it hydrates; in React 18 set `client` through a ref. */
export interface ConnectionStatusAttributes extends HTMLAttributes<HTMLElement> {
  /** The client to show. */
  client?: AnyClient | null
  /** Texts in place of the English ones: `Partial<IndicatorStrings>`. */
  strings?: object
  /** Gets the element. */
  ref?: Ref<HTMLElement>
  /** Its class; React 18 knows custom elements by `class`. */
  class?: string
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'connection-status': ConnectionStatusAttributes
    }
  }
}

/** Props of `ConnectionStatus`. */
export interface ConnectionStatusProps extends HTMLAttributes<HTMLElement> {
  /** The client to show, such as `socket` of `useResilientWebSocket()`; `null` or `undefined` shows nothing. */
  client: AnyClient | null | undefined
  /** Texts in place of the English ones: `Partial<IndicatorStrings>`. @default the English ones */
  strings?: object
}

/**
 * The indicator as a component: `<ConnectionStatus client={socket} />`. It sets properties after each render, so that it
 * also works in React 18, after a server's HTML was hydrated, and where `resilient-websocket/indicator`, which registers
 * the element, is imported later.
 */
export const ConnectionStatus = ({
  client,
  strings,
  ...attributes
}: ConnectionStatusProps): ReactElement => {
  const element = useRef<HTMLElement & { client?: AnyClient | undefined; strings?: object }>(null)
  useEffect(() => {
    if (element.current) element.current.client = client ?? undefined
  }, [client])
  useEffect(() => {
    if (element.current && strings) element.current.strings = strings
  }, [strings])
  return createElement('connection-status', { ...attributes, ref: element })
}
