/**
 * A clock and a network in the hands of your tests.
 *
 * @module
 */
export {
  createFakeNetwork,
  type FakeNetwork,
  type FakeRequest,
  type FakeSocket,
} from './fake-network.ts'
export { type ProtocolCheck, protocolSuite, type SuiteServer } from './protocol-suite.ts'
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts'
