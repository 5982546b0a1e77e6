/** Warns where several processes look like one server, but share no channels. */
import cluster from 'node:cluster'
import type { Broker } from './broker/broker.ts'
import { MemoryBroker } from './broker/memory-broker.ts'
import type { ServerLogger } from './logging.ts'

const WARNING =
  'This server is one of several workers (cluster, pm2 -i), and its MemoryBroker is shared with none of them: clients of ' +
  'the others do not hear what it publishes, and a client that comes back to another one has lost its session. Use a ' +
  'RedisBroker (REDIS_URL), or one worker'

/** pm2 numbers its workers from 0, also where there is only one. */
const isOneOfSeveral = (): boolean =>
  cluster.isWorker || Number(process.env['NODE_APP_INSTANCE'] ?? 0) > 0

/** Warns of workers that share no broker: in the log, or as a warning of the process where there is no logger. */
export const warnOfWorkers = (broker: Broker, logger: Partial<ServerLogger>): void => {
  if (!(broker instanceof MemoryBroker) || !isOneOfSeveral()) return
  if (logger.warn) logger.warn(WARNING)
  else process.emitWarning(WARNING, 'ResilientWebSocketWarning')
}
