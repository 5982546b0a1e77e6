/** Notices a client that has died silently: pings by frame, which browsers answer, and by message, which their pages see. */
import { nanoid } from 'nanoid'
import type { ServerEnvironment, ServerTimers } from '../environment.ts'
import type { ServerSettings } from '../options.ts'
import type { ChannelStreams } from './channel-streams.ts'
import type { Peer } from './peer.ts'
import type { ServerSocket } from './server-socket.ts'

export interface HeartbeatDeps {
  readonly settings: ServerSettings
  readonly environment: ServerEnvironment
}

/** One client, as its heartbeat sees it. */
export interface HeartbeatClient {
  readonly socket: ServerSocket
  readonly timers: ServerTimers
  readonly peer: Peer
  readonly streams: ChannelStreams
  /** Something failed that the connection survives. */
  onError(error: unknown): void
}

/** Any pong counts as the answer to all pings before it. */
export const onPong = ({ timers }: HeartbeatClient): void => timers.clear('pong')

const sendPing = async (deps: HeartbeatDeps, client: HeartbeatClient): Promise<void> => {
  const { peer, streams } = client
  // While the broker is away the client is pinged all the same.
  const heads = await streams.heads().catch(client.onError)
  // The frame asks as well, and a client that is behind is not to be ended for one more message.
  if (peer.buffer.aboveHighWater()) return
  peer.send('ping', { timestamp: deps.environment.now(), heads }, { id: nanoid() })
}

/** Pings every `heartbeat.intervalMs` until the connection's timers are cleared. */
export const startHeartbeat = (deps: HeartbeatDeps, client: HeartbeatClient): void => {
  const { socket, timers, peer } = client
  const { intervalMs, timeoutMs } = deps.settings.heartbeat
  const beat = (): void => {
    socket.ping()
    sendPing(deps, client).catch(client.onError)
    // Counted from the first ping without an answer, also where pings come faster than that.
    if (!timers.has('pong')) timers.set('pong', timeoutMs, () => peer.terminate())
    timers.set('beat', intervalMs, beat)
  }
  timers.set('beat', intervalMs, beat)
}
