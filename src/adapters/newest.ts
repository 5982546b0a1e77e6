/** The newest message of each channel, renewed with each batch. */
import type { ResilientWebSocket, Subscription } from 'resilient-websocket'

export interface Newest<Incoming> {
  /** Another Map only after something in it has changed. */
  get(): ReadonlyMap<string, Incoming>
  /** Listens to the channels, and calls back when the Map is another one. */
  subscribe(
    channels: readonly string[],
    onMessage: (message: Incoming) => void,
    changed: () => void,
  ): () => void
}

export const createNewest = <Incoming>(
  socket: ResilientWebSocket<Incoming, never>,
): Newest<Incoming> => {
  let newest: ReadonlyMap<string, Incoming> = new Map()
  return {
    get: () => newest,
    subscribe(channels, onMessage, changed) {
      const fresh = new Map<string, Incoming>()
      const publish = (): void => {
        if (!fresh.size) return
        newest = new Map([...newest, ...fresh])
        fresh.clear()
        changed()
      }
      if ([...newest.keys()].some(channel => !channels.includes(channel))) {
        newest = new Map([...newest].filter(([channel]) => channels.includes(channel)))
        changed()
      }
      const subscriptions: Subscription<Incoming>[] = channels.map(channel =>
        socket.subscribe(channel, message => {
          fresh.set(channel, message)
          onMessage(message)
        }),
      )
      const off = socket.on('batch', publish)
      return () => {
        off()
        for (const subscription of subscriptions) subscription.unsubscribe()
      }
    },
  }
}
