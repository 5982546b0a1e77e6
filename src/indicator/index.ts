/**
 * `<connection-status>`, a custom element that shows a client; and the same in words alone.
 *
 * @module
 */
import { defineConnectionStatus } from './element.ts'

export type { AnyClient } from './client.ts'
export {
  type ConnectionColor,
  type ConnectionDescription,
  describeConnection,
} from './describe.ts'
export { ConnectionStatusElement, defineConnectionStatus } from './element.ts'
export { ENGLISH, type IndicatorStrings } from './strings.ts'

defineConnectionStatus()
