/** The clients of hooks and composables that use the main entry. */
import { createResilientWebSocket, DEFAULTS } from 'resilient-websocket'
import { createSharedClients, type SharedClients } from './shared-clients.ts'

/** Makes clients with `createResilientWebSocket`. */
export const mainClients: SharedClients = /* @__PURE__ */ createSharedClients({
  create: createResilientWebSocket,
  defaults: DEFAULTS,
})
