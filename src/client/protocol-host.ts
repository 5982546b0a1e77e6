/** The client as its protocol sees it: one object a link, which does nothing once the link has ended. */
import type { ChannelRegistry } from '../channels/channel-registry.ts'
import type { LiveLink } from '../connection/link-user.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Requests } from '../delivery/requests.ts'
import { messageOf, ResilientWebSocketError } from '../errors.ts'
import type { Conversation, ProtocolLink, ServerTerms } from '../protocol/protocol.ts'
import { isThenable } from '../shared/promises.ts'
import type { Timers } from '../shared/timers.ts'
import { rejectionOf } from './channel-messages.ts'

export interface ProtocolLinksDeps<Incoming> {
  readonly conversation: Conversation<Incoming, never>
  readonly timers: Timers
  readonly outbox: Pick<Outbox<never>, 'control' | 'acked' | 'refused' | 'unanswered'>
  readonly channels: Pick<ChannelRegistry, 'confirmed' | 'refused' | 'lost'> | undefined
  readonly requests: Pick<Requests<Incoming>, 'answer' | 'refuse'> | undefined
  /** The token of this link; the protocol brings it to the server. */
  token(): string | undefined
  accept(message: Incoming, answers?: string): void
  onTerms(terms: ServerTerms): void
  onDropped(reason: string, message: unknown): void
  onError(code: string, cause: unknown): void
  onPong(id: string | undefined): void
  onGap(channel: string, reason: string): void
  onRecovered(channel: string, replayed: number): void
  onSlowDown(delayMs: number): void
  onLeave(withinMs: number): void
  /** The server is of no use, today or tomorrow. */
  onRefuse(reason: string): void
}

export interface ProtocolLinks {
  /** Lets the protocol say hello. */
  linkOpened(live: LiveLink): void
  linkClosed(): void
  /** A frame came. */
  received(payload: unknown): void
}

export const createProtocolLinks = <Incoming>(deps: ProtocolLinksDeps<Incoming>): ProtocolLinks => {
  const { conversation, timers, outbox, channels, requests } = deps
  let current: ProtocolLink<Incoming> | undefined
  /** Names of the timers of the link that is open. */
  const names = new Set<string>()
  let timersSoFar = 0

  const createLink = (live: LiveLink): ProtocolLink<Incoming> => {
    let isReady = false
    const whileLive =
      <Arguments extends unknown[]>(run: (...given: Arguments) => void) =>
      (...given: Arguments): void => {
        if (current === link) run(...given)
      }
    const link: ProtocolLink<Incoming> = {
      token: () => (current === link ? deps.token() : undefined),
      after(delayMs, run) {
        if (current !== link) return () => {}
        const name = `protocol ${++timersSoFar}`
        names.add(name)
        timers.set(name, delayMs, () => {
          names.delete(name)
          run()
        })
        return () => {
          names.delete(name)
          timers.clear(name)
        }
      },
      send: whileLive(frame => {
        try {
          live.send(frame)
        } catch {
          // A link that refuses a frame is about to end.
        }
      }),
      control: whileLive(outbox.control),
      ready: whileLive((terms = {}) => {
        if (isReady) return
        isReady = true
        live.ready(terms)
      }),
      terms: whileLive(deps.onTerms),
      message: whileLive(deps.accept),
      answer: whileLive((id, message) => requests?.answer(id, message)),
      dropped: whileLive(deps.onDropped),
      error: whileLive(deps.onError),
      pong: whileLive(id => deps.onPong(id)),
      acked: whileLive(outbox.acked),
      refused: whileLive((id, refusal) => {
        const { code = 'REFUSED', message = code, detail } = refusal
        // First, or the request would hear of its Delivery, without the server's code.
        requests?.refuse(id, new ResilientWebSocketError(code, message, detail))
        outbox.refused(id, rejectionOf(refusal))
      }),
      unanswered: whileLive(outbox.unanswered),
      joined: whileLive(name => channels?.confirmed(name)),
      declined: whileLive((name, refusal) => channels?.refused(name, refusal)),
      left: whileLive((name, loss) => channels?.lost(name, loss)),
      gap: whileLive(deps.onGap),
      recovered: whileLive(deps.onRecovered),
      slowDown: whileLive(deps.onSlowDown),
      leave: whileLive(deps.onLeave),
      close: whileLive((reason, retry = true, timedOut = false) => {
        if (retry === false) deps.onRefuse(reason)
        else live.fail(reason, { timedOut, ...(retry !== true && { afterMs: retry }) })
      }),
    }
    return link
  }

  return {
    linkOpened(live) {
      const link = createLink(live)
      current = link
      const failed = (error: unknown): void => link.close(`Hello failed: ${messageOf(error)}`)
      try {
        const hello = conversation.opened(link)
        if (isThenable(hello)) hello.then(undefined, failed)
      } catch (error) {
        failed(error)
      }
    },
    linkClosed() {
      if (!current) return
      current = undefined
      for (const name of names) timers.clear(name)
      names.clear()
      conversation.closed?.()
    },
    received(payload) {
      try {
        conversation.receive(payload)
      } catch (error) {
        deps.onDropped('undecodable', payload)
        deps.onError('BAD_MESSAGE', error)
      }
    },
  }
}
