/** Watches the wire for the ledger: when which message was on which link, and whether that is one of protocol v1. */
import type { Ledger } from './ledger.ts'
import type { Link, Tap } from './network.ts'

export interface Watch extends Tap {
  /** The newest link does not speak protocol v1. */
  isPlain(): boolean
  link(): object | undefined
}

export interface WatchHooks {
  readonly ledger: Ledger
  now(): number
  /** The client's monotonic clock. */
  clientNow(): number
}

/** Every message of the run's own names its number, and those with a place begin with it. */
const ORDER = /(?:"seq":\d+,)?"timestamp":[\d.]+,"type":"order","id":"m(\d+)"/g

const tokIn = (text: string): string => /"tok":"([^"]+)"/.exec(text)?.[1] ?? ''

export const createWatch = ({ ledger, now, clientNow }: WatchHooks): Watch => {
  let link: object | undefined
  const speaks = new WeakSet<object>()
  /** The `tok` that a link was welcomed with, as the client has heard it. */
  const welcomed = new WeakMap<object, string>()
  /** The newest link that the server has welcomed in each incarnation, by its `tok`. */
  const incarnations = new Map<string, Link>()

  return {
    violation: ledger.violation,
    opened(on) {
      link = on
    },
    answered(text, on) {
      if (!text.startsWith('{"type":"welcome"')) return
      const tok = tokIn(text)
      if (incarnations.get(tok)?.isOpen()) ledger.violation('an older connection was left open')
      incarnations.set(tok, on)
    },
    heard(text, on) {
      if (text.includes('"type":"welcome"') && speaks.has(on)) welcomed.set(on, tokIn(text))
    },
    written(text, on) {
      if (text.startsWith('{"type":"hello"')) speaks.add(on)
      const posted = text.startsWith('{"sid"')
      const tok = posted ? tokIn(text) : welcomed.get(on)
      const at = now()
      const clock = clientNow()
      for (const [found, number] of text.matchAll(ORDER)) {
        const placed = found.startsWith('"seq"')
        if (placed && !posted && !welcomed.has(on)) {
          ledger.violation(`${number} was written before the welcome`)
        }
        ledger.out.written({
          number: Number(number),
          placed,
          link: on,
          tok: placed ? tok : undefined,
          at,
          clientNow: clock,
        })
      }
    },
    isPlain: () => link !== undefined && !speaks.has(link),
    link: () => link,
  }
}
