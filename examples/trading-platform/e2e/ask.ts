/** A client of its own, past the proxy. */
import { createResilientWebSocket } from 'resilient-websocket'
import { WebSocket } from 'ws'
import { PAGE_URL, SERVER_URL } from './ports'

/** The market takes nobody without an Origin. */
class FromPage extends WebSocket {
  constructor(url: string) {
    super(url, { origin: PAGE_URL })
  }
}

/** The orders that the exchange has of an account. */
export const ordersOf = async (account: string): Promise<readonly unknown[]> => {
  const socket = createResilientWebSocket({
    url: `${SERVER_URL.replace('http', 'ws')}/ws`,
    fallback: false,
    environment: { WebSocket: FromPage as never },
  })
  try {
    const { data } = await socket.request({ type: 'orders', data: { account } })
    return data as readonly unknown[]
  } finally {
    socket.close()
  }
}
