/** Topics that a Phoenix client has joined or is joining, and the replies that it waits for. */
import type { ProtocolLink } from '../protocol/protocol.ts'
import { encodeText, withJoinRef } from './phoenix-frames.ts'

/** A reply that does not come in time ends the wait. */
export interface Replies {
  expect(link: ProtocolLink<never>, ref: string, onTimeout: () => void): void
  /** The reply has come, or is not waited for any more. */
  stop(ref: string): void
  /** The link has ended, and its timers with it. */
  clear(): void
}

export const createReplies = (timeoutMs: number): Replies => {
  /** Calls off the timeout of each, by its ref. */
  const pending = new Map<string, () => void>()
  return {
    expect(link, ref, onTimeout) {
      const stop = link.after(timeoutMs, () => {
        pending.delete(ref)
        onTimeout()
      })
      pending.set(ref, stop)
    },
    stop(ref) {
      pending.get(ref)?.()
      pending.delete(ref)
    },
    clear: () => pending.clear(),
  }
}

/** One join of a topic: messages carry its ref. */
export interface Join {
  readonly ref: string
  isSent: boolean
  isJoined: boolean
}

export interface JoinsDeps {
  newId(): string
  readonly joinPayload: object | ((topic: string) => object | Promise<object>)
  readonly replies: Replies
  /** The link that is open. */
  link(): ProtocolLink<never> | undefined
}

export interface Joins {
  get(topic: string): Join | undefined
  join(topic: string): Promise<void>
  /** The server has accepted a join. */
  accepted(topic: string, join: Join): void
  /** The server has declined or ended a join. */
  end(topic: string, join: Join): void
  /** Nobody listens to the topic any more: leaves it. */
  forget(topic: string): void
  /** How long to wait before the topic is joined again, in ms: longer each time, until a join is accepted. */
  nextRejoinMs(topic: string): number
  /** The link has ended. */
  clear(): void
}

/** After an error of the channel, in ms; the last one again and again. */
const REJOIN_AFTER_MS = [1000, 2000, 5000, 10_000]

export const createJoins = ({ newId, joinPayload, replies, link }: JoinsDeps): Joins => {
  const joins = new Map<string, Join>()
  /** Joins of a topic that failed since it was joined the last time. */
  const failures = new Map<string, number>()

  const write = (
    { ref: joinRef }: Join,
    ref: string,
    topic: string,
    event: string,
    payload: object,
  ): void => link()?.send(withJoinRef(encodeText(ref, topic, event, payload), joinRef))

  const end = (topic: string, join: Join): void => {
    replies.stop(join.ref)
    joins.delete(topic)
  }

  const leave = (topic: string, join: Join): void => {
    end(topic, join)
    if (join.isSent) write(join, newId(), topic, 'phx_leave', {})
  }

  const nextRejoinMs = (topic: string): number => {
    const failed = failures.get(topic) ?? 0
    failures.set(topic, failed + 1)
    return REJOIN_AFTER_MS[Math.min(failed, REJOIN_AFTER_MS.length - 1)] as number
  }

  return {
    get: topic => joins.get(topic),
    async join(topic) {
      const current = link()
      const join: Join = { ref: newId(), isSent: false, isJoined: false }
      joins.set(topic, join)
      try {
        const given = typeof joinPayload === 'function' ? joinPayload(topic) : joinPayload
        const payload = given instanceof Promise ? await given : given
        if (current !== link() || joins.get(topic) !== join) return
        join.isSent = true
        write(join, join.ref, topic, 'phx_join', payload)
      } catch (error) {
        if (joins.get(topic) !== join) return
        joins.delete(topic)
        const { message } = Object(error) as Error
        current?.declined(topic, { code: 'JOIN_PAYLOAD', message: message ?? `${error}` })
        return
      }
      if (!current) return
      replies.expect(current, join.ref, () => {
        leave(topic, join)
        link()?.declined(topic, { code: 'TIMEOUT', retryAfterMs: nextRejoinMs(topic) })
      })
    },
    accepted(topic, join) {
      join.isJoined = true
      failures.delete(topic)
    },
    end,
    forget(topic) {
      const join = joins.get(topic)
      if (join) leave(topic, join)
      failures.delete(topic)
    },
    nextRejoinMs,
    clear() {
      joins.clear()
      failures.clear()
    },
  }
}
