/**
 * The state of a connection, shown: `<connection-status>`, and `describeConnection()` for an indicator of your own.
 * Importing this registers the element, where there are elements.
 *
 * @module
 */
import { ConnectionStatusElement } from './element.ts'

export type { AnyClient as AnySocket } from '../adapters/options.ts'
export {
  type ConnectionDescription,
  describeConnection,
  type IndicatorColor,
  type IndicatorStrings,
} from './describe.ts'
export { ConnectionStatusElement }

const NAME = 'connection-status'

// Another copy of the package may have been here first.
if (globalThis.customElements && !customElements.get(NAME)) {
  customElements.define(NAME, ConnectionStatusElement)
}

declare global {
  interface HTMLElementTagNameMap {
    'connection-status': ConnectionStatusElement
  }
}
