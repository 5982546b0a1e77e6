/** The fault proxy, which the demo uses too and which is therefore plain JavaScript there. */
export { createFaultProxy, type FaultProxy } from '../../scripts/demo/fault-proxy.mjs'
