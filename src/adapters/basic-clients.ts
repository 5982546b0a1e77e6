/** The clients of hooks and composables that use `/basic`. */
import { createResilientWebSocket, DEFAULTS } from 'resilient-websocket/basic'
import type { ClientFactory } from './shared-client.ts'
import { createSharedClients, type SharedClients } from './shared-clients.ts'

/** Makes clients with `createResilientWebSocket` of `/basic`, in the same registry as those of the main entry. */
export const basicClients: SharedClients = /* @__PURE__ */ createSharedClients({
  create: createResilientWebSocket as unknown as ClientFactory['create'],
  defaults: DEFAULTS,
})
