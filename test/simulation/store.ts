/** What the server keeps its channels and sessions in: slow, away for a moment, or renewed without a word. */
import type { Broker, Deliver } from '../../src/server/broker/broker.ts'
import { MemoryBroker } from '../../src/server/broker/memory-broker.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { Ledger } from './ledger.ts'

export interface StoreRules {
  readonly historySize: number
  readonly historyTtlMs: number
  /** Every question or its answer takes up to so long, ms. */
  readonly storeMs: number
  /** Sessions end before their client comes back. */
  readonly shortSessions: boolean
  /** A history takes up to so long more, ms. */
  readonly brokerMs: number
}

/** A process that works with the store, until it dies. */
export interface Life {
  yes: boolean
}

export interface Store {
  /** The store as one process sees it. */
  seenBy(life: Life): Broker
  readonly broker: Broker
  /** Everything is lost. */
  forget(): void
  /** All histories are lost, the sessions are not; whoever is attached stays it. */
  renew(): void
  /** So many of the next questions get no answer, though some of them are done. */
  fail(count: number): void
  /** What a handler did is in effect once its place is used up: as if both were one transaction. */
  stage(user: string, number: number): void
}

const never = new Promise<never>(() => {})

export const createStore = (
  clock: Clock,
  chance: Chance,
  ledger: Ledger,
  rules: StoreRules & { readonly now: () => number },
): Store => {
  let broker = new MemoryBroker(rules)
  let { sessions } = broker
  const owners = new Map<string, string>()
  const staged = new Map<string, number>()
  /** In which life of the store an incarnation began, by its `tok`. */
  const births = new Map<string, number>()
  let lives = 0
  const attached = new Map<Deliver, Promise<() => Promise<void>>>()
  let failing = 0

  const attach = (deliver: Deliver): void => void attached.set(deliver, broker.attach(deliver))

  const seenBy = (life: Life): Broker => {
    const pause = (most: number): Promise<void> =>
      new Promise(done => clock.after(chance.whole(0, most), () => life.yes && done()))

    /** A dead process writes nothing, and a slow or absent store answers so. */
    const asked =
      <Given extends unknown[], Got>(act: (...given: Given) => Promise<Got>, moreMs = 0) =>
      async (...given: Given): Promise<Got> => {
        if (!life.yes) return never
        const early = chance.maybe(0.5)
        if (rules.storeMs && early) await pause(rules.storeMs)
        const fails = failing > 0
        if (fails) failing--
        const done = !fails || chance.maybe(0.5)
        const got = done ? await act(...given) : undefined
        const lateMs = moreMs + (early ? 0 : rules.storeMs)
        if (lateMs) await pause(lateMs)
        if (fails) throw new Error('The store is away')
        return got as Got
      }

    return {
      async attach(deliver) {
        attach(deliver)
        return async () => {
          const end = attached.get(deliver)
          attached.delete(deliver)
          await (await end)?.()
        }
      },
      publish: (channel, publication) => broker.publish(channel, publication),
      history: asked((channel, after) => broker.history(channel, after), rules.brokerMs),
      newest: asked(channel => broker.newest(channel)),
      heads: asked(channels => broker.heads(channels)),
      channels: asked(limit => broker.channels(limit)),
      ready: () => life.yes,
      sessions: {
        contact: asked(async (key, contact) => {
          const [user, sid] = JSON.parse(key) as [string, string]
          if ((owners.get(sid) ?? user) !== user)
            ledger.violation(`${user} uses the session of another`)
          owners.set(sid, user)
          const record = await sessions.contact(key, contact)
          const { tok } = contact
          if (record && !births.has(record.tok)) births.set(record.tok, lives)
          if (record && tok !== undefined && tok !== record.tok) {
            ledger.out.forgotten(tok)
            if (births.get(tok) === lives && !rules.shortSessions) {
              ledger.violation('the server has forgotten a session that nobody ended')
            }
          }
          return record
        }),
        pin: (key, tok) => sessions.pin?.(key, tok) ?? (() => {}),
        touch: asked((key, tok, ttlMs) => sessions.touch(key, tok, ttlMs)),
        begin: asked((key, tok, seq) => {
          // A message begins: what one before it did without its place has not happened.
          staged.delete((JSON.parse(key) as [string])[0])
          return sessions.begin(key, tok, seq)
        }),
        advance: asked(async (key, tok, seq, refused) => {
          const [user] = JSON.parse(key) as [string]
          const number = staged.get(user)
          staged.delete(user)
          const used = await sessions.advance(key, tok, seq, refused)
          if (used && number !== undefined) {
            if (refused) ledger.out.refused(number)
            else ledger.out.applied(number, user, tok)
          }
          return used
        }),
      },
    }
  }

  return {
    seenBy,
    get broker() {
      return broker
    },
    forget() {
      lives++
      broker = new MemoryBroker(rules)
      sessions = broker.sessions
    },
    renew() {
      const old = [...attached]
      broker = new MemoryBroker(rules)
      for (const [deliver, end] of old) {
        attach(deliver)
        end.then(detach => detach())
      }
    },
    fail(count) {
      failing = count
    },
    stage: (user, number) => void staged.set(user, number),
  }
}
