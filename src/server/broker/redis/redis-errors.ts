/** The errors of a Redis: which of them mean that it cannot be used, and how they are shown. Pure. */
import { forLog } from '../../logging.ts'

/** The answers of a member of a cluster to scripts, whose keys are in several slots. */
const CLUSTER_REPLY = /^(CROSSSLOT|MOVED|CLUSTERDOWN)\b/
/** The answers of a Redis that accepts no write: a replica, still loading, out of memory, or without enough replicas. */
const WRITE_REFUSED =
  /^(READONLY|LOADING|MASTERDOWN|OOM|MISCONF|NOREPLICAS|CROSSSLOT|MOVED|CLUSTERDOWN)\b/

/** The message of a `BrokerError` after the broker was closed. */
export const CLOSED = 'The broker is closed'

/** A single Redis is expected, and a cluster answers: it can never be used. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  constructor(host: string) {
    super(
      `RedisBroker: expected a single Redis, got a Redis Cluster at ${host}: what belongs together would be on several ` +
        'of its servers. Use a Redis without `cluster-enabled`, with replicas if you like',
    )
  }
}

export const messageOf = (error: unknown): string => {
  const { message, code } = error as Partial<NodeJS.ErrnoException>
  return message || code || String(error)
}

export const isClusterReply = (error: unknown): boolean => CLUSTER_REPLY.test(messageOf(error))

export const isWriteRefused = (error: unknown): boolean => WRITE_REFUSED.test(messageOf(error))

/** An error for the log. An old Redis repeats what it did not understand, the password included. */
export const redact = (error: unknown, { password }: URL): string => {
  const secrets = [password, decodeURIComponent(password)].filter(Boolean)
  return forLog(secrets.reduce((text, secret) => text.replaceAll(secret, '***'), messageOf(error)))
}
