/** A companion server that knows Ann and Bob by their tokens, and keeps what they order. */
import type { ResilientWebSocketOptions } from 'resilient-websocket'
import { createServer } from 'resilient-websocket/server'
import { WebSocket } from 'ws'

export interface DeskServer {
  readonly options: Pick<ResilientWebSocketOptions, 'url' | 'environment' | 'fallback'>
  /** Each order as it was applied, `user: order`. */
  readonly orders: readonly string[]
  /** Connections so far. */
  connections(): number
  /** Tells a user something on the channel that is theirs alone. */
  tell(user: string, data: unknown): Promise<unknown>
  close(): Promise<void>
}

export const startDeskServer = async (): Promise<DeskServer> => {
  const orders: string[] = []
  let connections = 0
  const server = createServer({
    port: 0,
    host: '127.0.0.1',
    allowMissingOrigin: true,
    authenticate: ({ token }) => (token ? { user: token.replace(/^token-of-/, '') } : null),
    authorize: (user, action, channel) => action === 'send' || channel === `of-${user}`,
    onMessage: ({ data }, { user }) => void orders.push(`${user}: ${data}`),
  })
  server.on('connection', () => void connections++)
  const { port } = await server.listen()
  return {
    options: {
      url: `ws://127.0.0.1:${port}/ws`,
      fallback: false,
      // Of Node: the page of the test is not one that could dial.
      environment: { WebSocket: WebSocket as never },
    },
    orders,
    connections: () => connections,
    tell: (user, data) => server.publish(`of-${user}`, { type: 'note', data }),
    close: () => server.close(),
  }
}
