/** Runs the companion server until it is asked to leave. */
import { access } from 'node:fs/promises'
import {
  type Broker,
  createServer,
  type Feed,
  MemoryBroker,
  RedisBroker,
  type ResilientServer,
  startMarket,
  startReplay,
} from '../server/index.ts'
import { type ServeSettings, UsageError } from './settings.ts'

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken; choose another one with WS_PORT or as an argument',
  EACCES: 'may not be used by this user',
}

/** Errors of a host that is no address of this machine, or no known name. */
const HOST_CODES = ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EINVAL']

const brokerOf = ({ redisUrl, historySize }: ServeSettings): Broker => {
  if (redisUrl === undefined) return new MemoryBroker({ historySize })
  try {
    return new RedisBroker({ url: redisUrl, historySize, logger: console })
  } catch (error) {
    throw new UsageError(`REDIS_URL: ${(error as Error).message.replace(/^url: /, '')}`)
  }
}

const startFeed = (server: ResilientServer, settings: ServeSettings): Feed | undefined => {
  const onError = (error: unknown): void => console.error(`Not published: ${error}`)
  const { replay, speed, seed } = settings
  if (replay === undefined) {
    return settings.feed ? startMarket(server, { seed, onError }) : undefined
  }
  const feed = startReplay(server, replay, { speed, onError })
  feed.ended.then(
    () => console.log(`Replay of ${replay} ended after ${feed.published()} messages`),
    error => {
      console.error(`Replay failed: ${(error as Error).message}`)
      process.exitCode = 1
      process.kill(process.pid, 'SIGTERM')
    },
  )
  return feed
}

/** Throws a `UsageError` for a port that cannot be had or a recording that is not there. */
export const serve = async (settings: ServeSettings): Promise<void> => {
  const { replay, drainMs } = settings
  if (replay !== undefined) {
    await access(replay).catch(() => {
      throw new UsageError(`--replay: there is no file ${replay}`)
    })
  }
  const server = createServer({
    ...settings.server,
    broker: brokerOf(settings),
    logger: console,
  })
  let feed: Feed | undefined
  let leaving = false
  const leave = async (): Promise<void> => {
    if (leaving) return
    leaving = true
    feed?.stop()
    if (server.connections()) {
      console.log(`Asking ${server.connections()} clients to leave`)
      await server.drain({ afterMs: 0, jitterMs: drainMs })
    }
    await server.close()
    process.exit()
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)

  const where = await server.listen().catch((error: NodeJS.ErrnoException) => {
    const { port, host } = settings.server
    const reason = REASONS[error.code ?? '']
    if (HOST_CODES.includes(error.code ?? '')) {
      throw new UsageError(`--host, WS_HOST: this machine cannot listen on '${host}'`)
    }
    throw reason ? new UsageError(`Port ${port} of ${host} ${reason}`) : error
  })
  console.log(`WebSocket server on ${where.url}`)
  feed = startFeed(server, settings)
}
