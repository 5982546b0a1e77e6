/**
 * Sessions in Redis. A message is applied by one server at a time: see `docs/decisions/0011-turns-across-servers.md`.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { MAX_IN_FLIGHT } from '../../../protocol/constants.ts'
import { createLruMap } from '../../lru-map.ts'
import { BrokerError, type OnTakeover } from '../broker.ts'
import {
  incarnationOf,
  MAX_INCARNATIONS,
  type Refused,
  type SessionStore,
} from '../session-store.ts'
import { ADVANCE, BEGIN, CONTACT, type RedisScript, TOUCH } from './lua-scripts.ts'
import type { Arguments, RedisConnection } from './redis-connection.ts'

export interface RedisSessionsDeps {
  readonly connection: RedisConnection
  /** Names this server. */
  readonly server: string
  /** The prefix of all keys. */
  readonly prefix: string
  /** The prefix of the keys of living servers; their names follow. */
  readonly serversPrefix: string
  /** The prefix of the topics on which servers are told of takeovers; their names follow. */
  readonly takeoverPrefix: string
  readonly leaseMs: number
}

export interface RedisSessions extends SessionStore {
  /** Another server has taken over a session. Calls `onTakeover` unless the session has come back meanwhile. */
  onTakeoverMessage(text: string, onTakeover: OnTakeover): void
  /** Begins no turn any more, and resolves when those under way are done, or after so long. */
  settle(withinMs: number): Promise<void>
}

/** Incarnations whose last `seq` this server remembers, to notice a Redis that has forgotten it. */
const MAX_KNOWN = 10_000
const FIRST_WAIT_MS = 10
const MAX_WAIT_MS = 200
/** How many leases a turn of another server is waited for; the client has long given up then. */
const MAX_LEASES = 3

interface Known {
  readonly gen: number
  readonly last: number
}

/** Redis takes finite whole numbers only. */
const ttlOf = (ttlMs: number): number =>
  Math.max(1, Math.min(Math.ceil(ttlMs), Number.MAX_SAFE_INTEGER))

/** Runs a script again and again while another server has its turn with the session. */
const runWhenFree = async (leaseMs: number, run: () => Promise<unknown>): Promise<unknown> => {
  const until = performance.now() + MAX_LEASES * leaseMs
  for (let ms = FIRST_WAIT_MS; ; ms = Math.min(ms * 2, MAX_WAIT_MS)) {
    const answer = await run()
    if (answer !== 'busy') return answer
    if (performance.now() > until) {
      throw new BrokerError('away', 'Another server is still busy with this session')
    }
    await wait(ms)
  }
}

/** The turns of this server that are under way. */
class Turns {
  /** Names of turns, by incarnation. */
  readonly #names = new Map<string, string>()
  #count = 0
  #onSettled: (() => void) | undefined
  leaving = false

  enter(): void {
    this.#count++
  }

  leave(): void {
    this.#count--
    if (!this.#count) this.#onSettled?.()
  }

  set(incarnation: string, name: string): void {
    this.#names.set(incarnation, name)
  }

  take(incarnation: string): string | undefined {
    const name = this.#names.get(incarnation)
    this.#names.delete(incarnation)
    return name
  }

  async settle(withinMs: number): Promise<void> {
    this.leaving = true
    if (this.#count) {
      const cancel = new AbortController()
      this.#onSettled = () => cancel.abort()
      await wait(withinMs, undefined, cancel).catch(() => {})
      this.#onSettled = undefined
    }
    this.leaving = false
  }
}

/** Keys and arguments of the scripts of sessions. */
const createScriptArguments = (deps: RedisSessionsDeps) => {
  const { connection, server, prefix, serversPrefix, leaseMs } = deps
  const known = createLruMap<Known>(MAX_KNOWN)
  const sessionPrefix = (key: string): string => `${prefix}session:${key} `
  const refusedPrefix = (key: string): string => `${prefix}refused:${key} `
  return {
    known,
    sessionPrefix,
    refusedPrefix,
    incarnationsKey: (key: string): string => `${prefix}incarnations:${key}`,
    keysOf: (key: string, tok: string): readonly string[] => [
      sessionPrefix(key) + tok,
      refusedPrefix(key) + tok,
    ],
    learn(incarnation: string, last: number, gen = known.get(incarnation)?.gen ?? -1): void {
      known.set(incarnation, { gen, last })
    },
    common: (key: string, tok: string): Arguments => [
      server,
      known.get(incarnationOf(key, tok))?.last ?? -1,
      // Just connected, this server does not know whether others are dead or only had no time yet to say that they live.
      connection.uptimeMs() >= leaseMs ? 1 : 0,
      serversPrefix,
      tok,
    ],
  }
}

const createContact = (
  { connection, leaseMs, takeoverPrefix }: RedisSessionsDeps,
  scripts: ReturnType<typeof createScriptArguments>,
): SessionStore['contact'] => {
  const { common, keysOf, incarnationsKey, sessionPrefix, refusedPrefix, learn } = scripts
  return async (key, { tok = '', gen, ttlMs }) => {
    const fresh = randomBytes(16).toString('base64url')
    const keys = [...keysOf(key, tok), incarnationsKey(key), ...keysOf(key, fresh)]
    const answer = await runWhenFree(leaseMs, () =>
      connection.run(CONTACT, keys, [
        ...common(key, tok),
        gen,
        ttlOf(ttlMs),
        fresh,
        takeoverPrefix,
        incarnationOf(key, tok),
        MAX_INCARNATIONS,
        sessionPrefix(key),
        refusedPrefix(key),
      ]),
    )
    if (answer === 'stale') return undefined
    const [name, newest, last, refused] = answer as [string, string, string, string[]]
    learn(incarnationOf(key, name), Number(last), Number(newest))
    return {
      tok: name,
      gen: Number(newest),
      last: Number(last),
      refused: refused.map(text => JSON.parse(text) as Refused),
    }
  }
}

export const createRedisSessions = (deps: RedisSessionsDeps): RedisSessions => {
  const { connection, leaseMs } = deps
  const scripts = createScriptArguments(deps)
  const { known, common, keysOf, incarnationsKey, learn } = scripts
  const turns = new Turns()

  const runSurely = (script: RedisScript, keys: readonly string[], args: Arguments) =>
    connection.runUntilAnswered(script, keys, args)

  return {
    contact: createContact(deps, scripts),
    async touch(key, tok, ttlMs) {
      // While Redis is away nothing can be done; a client that comes back too late is told so then.
      await connection
        .run(
          TOUCH,
          [...keysOf(key, tok), incarnationsKey(key)],
          [...common(key, tok), ttlOf(ttlMs)],
        )
        .catch((error: unknown) => {
          if (!(error instanceof BrokerError)) throw error
        })
    },
    async begin(key, tok, seq) {
      if (turns.leaving) return undefined
      const turn = randomBytes(9).toString('base64url')
      let begun = false
      turns.enter()
      try {
        const answer = await runWhenFree(leaseMs, () =>
          runSurely(BEGIN, keysOf(key, tok), [...common(key, tok), seq, turn]),
        )
        if (answer === 'lost') return undefined
        const last = Number(answer)
        const incarnation = incarnationOf(key, tok)
        learn(incarnation, last)
        begun = seq === last + 1
        if (begun) turns.set(incarnation, turn)
        return last
      } finally {
        if (!begun) turns.leave()
      }
    },
    async advance(key, tok, seq, refused) {
      const incarnation = incarnationOf(key, tok)
      const turn = turns.take(incarnation)
      try {
        // The effect has happened: if its `seq` were not used up it would happen again.
        const used = await runSurely(ADVANCE, keysOf(key, tok), [
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
        if (turn) turns.leave()
      }
    },
    onTakeoverMessage(text, onTakeover) {
      const blank = text.indexOf(' ')
      const gen = Number(text.slice(0, blank))
      const incarnation = text.slice(blank + 1)
      const here = known.get(incarnation)
      // The message may come after the client itself has come back.
      if (!here || here.gen < gen) onTakeover(incarnation, gen)
    },
    settle: withinMs => turns.settle(withinMs),
  }
}
