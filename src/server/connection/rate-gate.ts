/** How fast one client may send: messages, and the pings and pongs that are free up to a rate of their own. */
import { CLOSE_TRY_AGAIN_LATER } from '../close-codes.ts'
import type { ServerEnvironment } from '../environment.ts'
import type { Counters } from '../metrics.ts'
import type { ServerSettings } from '../options.ts'
import type { Fields } from '../protocol/parse.ts'
import { createRateLimit, type RateLimit } from '../rate-limit.ts'
import type { Peer } from './peer.ts'

export interface RateGateDeps {
  readonly settings: ServerSettings
  readonly environment: ServerEnvironment
  readonly counters: Counters
}

const TOO_FAST = 'Rate limit exceeded. Please slow down.'
const RETRY_AFTER_MS = 1000
/** Pongs a second that count for nothing; more where this server pings more often. */
const FREE_PONGS = 10
/** For each time that it pings, by frame and by message: as many again may come late, at once. */
const PONGS_A_BEAT = 4
/** Ping frames a second that count for nothing. */
const FREE_PINGS = 100

export class RateGate {
  readonly #deps: RateGateDeps
  readonly #peer: Peer
  #messages: RateLimit | undefined
  #pings: RateLimit | undefined
  #pongs: RateLimit | undefined
  #refusedAt = Number.NEGATIVE_INFINITY

  constructor(deps: RateGateDeps, peer: Peer) {
    this.#deps = deps
    this.#peer = peer
  }

  /** False if a message comes too fast: its sender then gets an error now and then. `cost`: what it counts for. */
  passes(about: Fields, cost = 1): boolean {
    const { settings, environment, counters } = this.#deps
    counters.received++
    this.#messages ??= createRateLimit(settings.rateLimit, environment.monotonicNow)
    const verdict = this.#messages(cost)
    if (verdict === 'pass') return true
    counters.rateLimited++
    if (verdict === 'abuse') this.#peer.close(CLOSE_TRY_AGAIN_LATER, 'Rate limit exceeded')
    if (verdict === 'warn') this.#sendError(about)
    return false
  }

  passesPing(): boolean {
    this.#pings ??= this.#freeRate(FREE_PINGS)
    return this.#passesFree(this.#pings)
  }

  passesPong(): boolean {
    const { intervalMs } = this.#deps.settings.heartbeat
    this.#pongs ??= this.#freeRate(Math.max(FREE_PONGS, (PONGS_A_BEAT * 1000) / intervalMs))
    return this.#passesFree(this.#pongs)
  }

  /** Refuses a message for another reason as if it came too fast; its sender gets an error at most once a second. */
  refuse(about: Fields): void {
    const { environment, counters } = this.#deps
    counters.rateLimited++
    const time = environment.monotonicNow()
    if (time - this.#refusedAt < RETRY_AFTER_MS) return
    this.#refusedAt = time
    this.#sendError(about)
  }

  #freeRate(perSecond: number): RateLimit {
    const { settings, environment } = this.#deps
    const rule = settings.rateLimit && { limit: perSecond, perMs: 1000 }
    return createRateLimit(rule, environment.monotonicNow)
  }

  /** Beyond its free rate it counts as a message. */
  #passesFree(mayPass: RateLimit): boolean {
    if (mayPass() !== 'pass') return this.passes({})
    this.#deps.counters.received++
    return true
  }

  #sendError(about: Fields): void {
    this.#peer.sendError('RATE_LIMITED', TOO_FAST, about, RETRY_AFTER_MS)
  }
}
