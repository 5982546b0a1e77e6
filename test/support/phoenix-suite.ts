import type { PhoenixMessage, PhoenixPush } from 'resilient-websocket/protocols'
import type { SuiteServer } from 'resilient-websocket/testing'
import { startPhoenix } from './phoenix-server.ts'

/** The Phoenix server of these tests, as `protocolSuite` uses it. */
export const startPhoenixSuite = async (): Promise<SuiteServer<PhoenixMessage, PhoenixPush>> => {
  const server = await startPhoenix()
  const channel = 'room:suite'
  const push = (type: string, data: object = {}): PhoenixPush => ({ type, channel, data })
  return {
    url: `ws://127.0.0.1:${server.port}/socket`,
    channel,
    forbiddenChannel: 'private:suite',
    message: text => push('shout', { text }),
    textOf: ({ data }) => (data as { text?: string }).text,
    refused: () => push('fail'),
    question: text => push('echo', { text }),
    publish: text => server.broadcast(channel, 'news', { text }),
    received: () => server.shouts.map(shout => (shout as { text: string }).text),
    cut: server.cut,
    links: server.links,
    stop: server.close,
  }
}
