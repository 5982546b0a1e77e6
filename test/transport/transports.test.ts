import { createFakeNetwork } from 'resilient-websocket/testing'
import { resolveEnvironment } from '../../src/shared/runtime.ts'
import { createTimers } from '../../src/shared/timers.ts'
import { createWebSocketTransport } from '../../src/transport/websocket.ts'
import { transportContract } from './contract.ts'

transportContract('a WebSocket', () => {
  const network = createFakeNetwork()
  const environment = resolveEnvironment(network.environment)
  const transport = createWebSocketTransport(environment, createTimers(environment))
  return {
    open: events => transport.open('ws://test', [], events),
    accept: async () => network.socket().open(),
    send: async message => network.socket().receive(message),
    end: async () => network.socket().close(1012, 'restart'),
    left: () => network.socket().listeners(),
  }
})
