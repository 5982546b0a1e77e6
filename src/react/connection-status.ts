/** JSX knows `<connection-status client={socket}>`, for pages that import `resilient-websocket/indicator`. */
import type { HTMLAttributes, Ref } from 'react'
import type { AnyClient } from '../adapters/options.ts'

/** React 19 sets properties of custom elements; in React 18 set `client` through a ref. */
export interface ConnectionStatusAttributes extends HTMLAttributes<HTMLElement> {
  /** The client to show. */
  client?: AnyClient | null
  /** Words in place of the English ones: `Partial<IndicatorStrings>`. */
  strings?: object
  ref?: Ref<HTMLElement>
  class?: string
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'connection-status': ConnectionStatusAttributes
    }
  }
}
