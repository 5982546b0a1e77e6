/** What the client's user does and hears: messages, requests, subscriptions, and calls from within listeners. */
import type { IncomingEnvelope, ResilientWebSocket, Subscription } from '../../src/index.ts'
import type { Chance } from './chance.ts'
import type { Listener } from './inbound.ts'
import type { Ledger } from './ledger.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'

export interface ApplicationHooks {
  readonly socket: ResilientWebSocket<IncomingEnvelope>
  readonly chance: Chance
  readonly ledger: Ledger
  readonly page: Page
  readonly plan: Plan
  readonly now: () => number
  /** ms of the run until then, at least and at most. */
  later(low: number, high: number, run: () => void): void
  tell(words: string): void
  /** It is another user from now on. */
  switched(): void
  /** Nothing goes wrong any more. */
  isCalm(): boolean
  /** Listeners may call back in. */
  lively(): boolean
  /** The link in use is of a server that has not said that it speaks protocol v1. */
  isPlain(): boolean
  /** The link in use. */
  link(): object | undefined
}

export interface Application {
  user(): string
  send(): void
  switchUser(): void
  /** Begins or ends to listen to a channel. */
  toggle(channel: string): void
  /** Another listener comes and the old one goes, within one turn. */
  remount(channel: string): void
  counts: { gaps: number; unknown: number }
}

export const createApplication = (hooks: ApplicationHooks): Application => {
  const { socket, chance, ledger, page, plan, tell, later } = hooks
  const callsBack = plan.has('callbacks')
  const counts = { gaps: 0, unknown: 0 }
  const numbers = new Map<string, number>()
  const subscriptions = new Map<
    string,
    { subscription: Subscription<IncomingEnvelope>; ear: Listener }
  >()
  let number = 0
  let users = 1
  let user = plan.has('tokens') ? 'user1' : ''

  const isPlain = (): boolean => socket.getSnapshot().phase === 'ready' && hooks.isPlain()

  const send = (): void => {
    const urgent = chance.maybe(0.1)
    const ttlMs = plan.has('expiring messages') ? chance.whole(50, 3000) : undefined
    const asks = plan.has('requests') && !urgent && ttlMs === undefined && chance.maybe(0.2)
    // What was not sent by then is taken back.
    const timeoutMs = asks ? chance.whole(500, 10_000) : Number.POSITIVE_INFINITY
    const mine = ++number
    const id = `m${mine}`
    numbers.set(id, mine)
    const data = { number: mine, asks, filling: 'x'.repeat(chance.maybe(0.05) ? 500 : 5) }
    const message = { type: 'order', id, data }
    ledger.out.sends(mine, {
      user,
      urgent,
      asks,
      at: hooks.now(),
      calm: hooks.isCalm(),
      expiresAt: page.monotonicNow() + (ttlMs ?? timeoutMs),
    })
    tell(`send ${mine}${urgent ? ' urgently' : ''}${asks ? ' and ask' : ''}`)
    if (asks) {
      socket.request(message, { timeoutMs }).then(
        reply => ledger.out.answered(mine, reply.data),
        failure => ledger.out.unanswered(mine, `${failure.code}`),
      )
    } else {
      const priority = urgent ? 'high' : 'normal'
      const options = ttlMs === undefined ? { priority } : { priority, ttlMs }
      ledger.out.sent(mine, socket.send(message, options as never))
    }
  }

  const subscribe = (channel: string): void => {
    const ear = ledger.in.listener(channel)
    const subscription = socket.subscribe(
      channel,
      ({ type, data }) => {
        if (type === 'tick') ear.hears((data as { number: number }).number)
      },
      { onGap: ({ reason }) => ear.hearsGap(reason) },
    )
    const both = { subscription, ear }
    subscriptions.set(channel, both)
    subscription.ready.then(
      () => {
        if (subscriptions.get(channel) !== both) return
        if (isPlain()) ledger.in.asked(channel)
        else ledger.in.confirmed(channel)
      },
      // Refused at that time, and told so: what comes once it is allowed again begins anywhere.
      ({ code }) => {
        if (code === 'FORBIDDEN' && subscriptions.get(channel) === both) {
          ledger.in.refused(channel)
        }
      },
    )
  }

  const unsubscribe = (channel: string): void => {
    const both = subscriptions.get(channel)
    subscriptions.delete(channel)
    both?.ear.ends()
    both?.subscription.unsubscribe()
  }

  const toggle = (channel: string): void => {
    if (subscriptions.has(channel)) {
      ledger.in.ends(channel)
      unsubscribe(channel)
    } else {
      ledger.in.begins(channel)
      subscribe(channel)
    }
  }

  /** Now and then a listener calls back in. */
  const callBack = (share: number, act: () => void): void => {
    if (callsBack && hooks.lively() && chance.maybe(share)) act()
  }

  const leaveForAWhile = (): void => {
    if (chance.maybe(0.5)) return socket.reconnect()
    socket.disconnect()
    if (chance.maybe(0.5)) socket.connect()
    else later(10, 500, () => page.unlessFrozen(() => socket.connect()))
  }

  socket.on('delivery', ({ id, state, reason }) => {
    tell(`settled ${id} ${state} ${reason ?? ''}`)
    if (state === 'unknown') counts.unknown++
    const mine = numbers.get(id)
    if (mine === undefined) ledger.violation(`${id} was settled and never sent`)
    else ledger.out.settled(mine, state, reason, page.monotonicNow())
    callBack(0.05, send)
    callBack(0.01, leaveForAWhile)
  })
  socket.on('gap', ({ channel, reason }) => {
    counts.gaps++
    tell(`gap ${channel} ${reason}`)
    // Where there are positions it is about what is on no channel: each channel has its own word.
    if (channel !== undefined || isPlain()) ledger.in.gap(channel, reason)
    else if (!plan.gaps.has(reason)) ledger.violation(`a needless gap, ${reason}`)
    callBack(0.2, leaveForAWhile)
  })
  socket.on('status', () => {
    callBack(0.03, leaveForAWhile)
    callBack(0.1, send)
  })
  socket.on('message', message => {
    const { type, channel, data, replyTo } = message
    ledger.in.message(message)
    if (type === 'reply') {
      const link = socket.status === 'OPEN' ? hooks.link() : undefined
      return ledger.out.heardReply(numbers.get(`${replyTo}`) ?? 0, link)
    }
    if (type !== 'tick' || !channel) return
    const { number } = data as { number: number }
    tell(`${channel} ${number} delivered`)
    ledger.in.delivered(channel, number, isPlain())
    callBack(0.01, () => toggle(chance.pick(plan.channels)))
    callBack(0.005, leaveForAWhile)
  })
  if (plan.has('batches')) socket.on('batch', messages => ledger.in.batch(messages))

  for (const channel of plan.channels) toggle(channel)
  if (user) socket.setIdentity(user)

  return {
    counts,
    user: () => user,
    send,
    toggle,
    switchUser() {
      user = `user${++users}`
      tell(`now ${user}`)
      hooks.switched()
      ledger.out.renounced()
      for (const channel of subscriptions.keys()) ledger.in.begins(channel, false)
      socket.setIdentity(user)
    },
    remount(channel) {
      const old = subscriptions.get(channel)
      if (!old) return
      // The server hears nothing of it, and the promise goes on.
      subscribe(channel)
      old.ear.ends()
      old.subscription.unsubscribe()
    },
  }
}
