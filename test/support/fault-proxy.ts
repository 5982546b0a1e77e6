/** The fault proxy, which the demo uses too and which is therefore plain JavaScript there. */
export {
  createFaultProxy,
  type FaultProxy,
  type FaultProxyOptions,
  type Ways,
} from '../../scripts/demo/fault-proxy.mjs'
