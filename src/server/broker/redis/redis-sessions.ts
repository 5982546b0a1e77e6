/**
 * Sessions in Redis. What one server applies no other applies meanwhile: `docs/decisions/0011-turns-across-servers.md`.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { createLruMap } from '../../lru-map.ts'
import { BrokerError, type OnTakeover } from '../broker.ts'
import {
  incarnationOf,
  MAX_IN_FLIGHT,
  MAX_INCARNATIONS,
  type Refused,
  type SessionStore,
} from '../session-store.ts'
import { ADVANCE, BEGIN, CONTACT, type RedisScript, TOUCH } from './lua-scripts.ts'
import type { Arguments, RedisLink } from './redis-connection.ts'

export interface RedisSessionsHooks {
  readonly link: RedisLink
  /** Names this server. */
  readonly server: string
  readonly prefix: string
  /** Of the keys of living servers, which their names follow. */
  readonly servers: string
  /** Of the topics on which servers hear of what was taken from them. */
  readonly taken: string
  readonly leaseMs: number
}

export interface RedisSessions extends SessionStore {
  /** Word from another server; passes it on unless the session has come back meanwhile. */
  heardTaken(text: string, tell: OnTakeover): void
  /** Begins nothing any more, and resolves when what was begun is done, or after so long. */
  settle(withinMs: number): Promise<void>
}

/** Incarnations whose last place this server remembers, to notice a Redis that has forgotten it. */
const MOST_KNOWN = 10_000
const FIRST_WAIT_MS = 10
const LONGEST_WAIT_MS = 200
/** Turns of other servers are waited for so many leases; their clients have long given up then. */
const MOST_LEASES = 3

interface Known {
  readonly gen: number
  readonly last: number
}

export const createRedisSessions = (hooks: RedisSessionsHooks): RedisSessions => {
  const { link, server, prefix, leaseMs } = hooks
  const known = createLruMap<Known>(MOST_KNOWN)
  /** What is being applied here: the name of its turn by incarnation. */
  const turns = new Map<string, string>()
  let busy = 0
  let settled: (() => void) | undefined
  let leaving = false

  const sessionPrefix = (key: string): string => `${prefix}session:${key} `
  const refusedPrefix = (key: string): string => `${prefix}refused:${key} `
  const keysOf = (key: string, tok: string): readonly string[] => [
    sessionPrefix(key) + tok,
    refusedPrefix(key) + tok,
  ]
  const incarnationsKey = (key: string): string => `${prefix}incarnations:${key}`

  const learn = (name: string, last: number, gen = known.get(name)?.gen ?? -1): void =>
    known.set(name, { gen, last })

  const common = (key: string, tok: string): Arguments => [
    server,
    known.get(incarnationOf(key, tok))?.last ?? -1,
    // Just connected, it does not know whether others only had no time yet to say that they live.
    link.steadyMs() >= leaseMs ? 1 : 0,
    hooks.servers,
    tok,
  ]

  /** Asks again while another turn is being taken. */
  const whenFree = async (
    run: RedisLink['run'],
    script: RedisScript,
    keys: readonly string[],
    words: () => Arguments,
  ): Promise<unknown> => {
    const until = performance.now() + MOST_LEASES * leaseMs
    for (let ms = FIRST_WAIT_MS; ; ms = Math.min(ms * 2, LONGEST_WAIT_MS)) {
      const answer = await run(script, keys, words())
      if (answer !== 'busy') return answer
      if (performance.now() > until) {
        throw new BrokerError('away', 'Another server is still busy with this session')
      }
      await wait(ms)
    }
  }

  const done = (): void => {
    busy--
    if (!busy) settled?.()
  }

  return {
    async contact(key, { tok = '', gen, ttlMs }) {
      const fresh = randomBytes(16).toString('base64url')
      const ttl = Math.max(1, Math.min(Math.ceil(ttlMs), Number.MAX_SAFE_INTEGER))
      const keys = [...keysOf(key, tok), incarnationsKey(key), ...keysOf(key, fresh)]
      const answer = await whenFree(link.run, CONTACT, keys, () => [
        ...common(key, tok),
        gen,
        ttl,
        fresh,
        hooks.taken,
        incarnationOf(key, tok),
        MAX_INCARNATIONS,
        sessionPrefix(key),
        refusedPrefix(key),
      ])
      if (answer === 'stale') return undefined
      const [name, newest, last, refused] = answer as [string, string, string, string[]]
      learn(incarnationOf(key, name), Number(last), Number(newest))
      return {
        tok: name,
        gen: Number(newest),
        last: Number(last),
        refused: refused.map(text => JSON.parse(text) as Refused),
      }
    },
    async touch(key, tok, ttlMs) {
      // While Redis is away nothing can be done; whoever comes too late is told so then.
      await link
        .run(
          TOUCH,
          [...keysOf(key, tok), incarnationsKey(key)],
          [...common(key, tok), Math.ceil(ttlMs)],
        )
        .catch((thrown: unknown) => {
          if (!(thrown instanceof BrokerError)) throw thrown
        })
    },
    async begin(key, tok, seq) {
      if (leaving) return undefined
      const turn = randomBytes(9).toString('base64url')
      let begun = false
      busy++
      try {
        const words = (): Arguments => [...common(key, tok), seq, turn]
        const answer = await whenFree(link.runSurely, BEGIN, keysOf(key, tok), words)
        if (answer === 'lost') return undefined
        const last = Number(answer)
        const incarnation = incarnationOf(key, tok)
        learn(incarnation, last)
        begun = seq === last + 1
        if (begun) turns.set(incarnation, turn)
        return last
      } finally {
        if (!begun) done()
      }
    },
    async advance(key, tok, seq, refused) {
      const incarnation = incarnationOf(key, tok)
      const turn = turns.get(incarnation)
      turns.delete(incarnation)
      try {
        // The effect has happened: without its place used up it would happen again.
        const used = await link.runSurely(ADVANCE, keysOf(key, tok), [
          ...common(key, tok),
          seq,
          turn ?? randomBytes(9).toString('base64url'),
          turn ? 1 : 0,
          refused ? JSON.stringify(refused) : '',
          MAX_IN_FLIGHT,
        ])
        if (used !== 1) return false
        learn(incarnation, seq)
        return true
      } finally {
        if (turn) done()
      }
    },
    heardTaken(text, tell) {
      const blank = text.indexOf(' ')
      const gen = Number(text.slice(0, blank))
      const incarnation = text.slice(blank + 1)
      const here = known.get(incarnation)
      // The word may come after the client itself has come back.
      if (!here || here.gen < gen) tell(incarnation, gen)
    },
    async settle(withinMs) {
      leaving = true
      if (busy) {
        const cancel = new AbortController()
        settled = () => cancel.abort()
        await wait(withinMs, undefined, cancel).catch(() => {})
        settled = undefined
      }
      leaving = false
    },
  }
}
