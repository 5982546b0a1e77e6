// @ts-check
/** One way of a proxied connection: carries bytes in order, as late and as slowly as its rules say. */

/** @import { Socket } from 'node:net' */

/**
 * What is wrong with one way. Changed in place by the proxy, which then calls `update()`.
 * @typedef {{ blocked: boolean, swallow: boolean, delayMs: number, bytesPerSecond: number }} Rules
 *
 * @typedef {object} Pipe
 * @property {(bytes: Buffer) => void} push Adds bytes as if they had just come.
 * @property {() => void} reset The sender broke off: the receiver is told in its turn.
 * @property {() => void} update Looks at the rules again.
 * @property {() => boolean} torn Whether bytes were lost, and the black hole that took them is over.
 * @property {() => void} stop Carries nothing any more.
 */

/** Bytes that may wait here before the sender is no longer read. */
const MOST_WAITING = 1_048_576
/** A throttled way sends this often, so that little pieces trickle instead of big ones bursting. */
const SLICES_PER_SECOND = 50

const FIN = Symbol('fin')
const RST = Symbol('rst')

/** @param {Socket} from @param {Socket} to @param {Rules} rules @returns {Pipe} */
export const createPipe = (from, to, rules) => {
  /** @type {{ item: Buffer | typeof FIN | typeof RST, cameAt: number }[]} */
  const queue = []
  let waiting = 0
  let freeAt = 0
  let lost = false
  let stopped = false
  /** @type {NodeJS.Timeout | undefined} */
  let timer

  /** Takes what may go now. @param {Buffer} bytes */
  const slice = bytes => {
    const most = Math.max(1, Math.ceil(rules.bytesPerSecond / SLICES_PER_SECOND))
    return bytes.length > most ? bytes.subarray(0, most) : bytes
  }

  const pump = () => {
    clearTimeout(timer)
    for (let head = queue[0]; head && !stopped && !rules.blocked; head = queue[0]) {
      if (to.writableNeedDrain) break
      const now = performance.now()
      const at = Math.max(head.cameAt + rules.delayMs, freeAt)
      if (at > now) {
        timer = setTimeout(pump, at - now)
        break
      }
      if (typeof head.item === 'symbol') {
        queue.shift()
        if (head.item === FIN) to.end()
        else to.resetAndDestroy()
        continue
      }
      const part = slice(head.item)
      if (part.length < head.item.length) head.item = head.item.subarray(part.length)
      else queue.shift()
      waiting -= part.length
      if (rules.bytesPerSecond !== Infinity) {
        freeAt = Math.max(now, freeAt) + (part.length / rules.bytesPerSecond) * 1000
      }
      if (to.writable) to.write(part)
    }
    const full = waiting > MOST_WAITING || to.writableNeedDrain
    if (stopped) return
    if (full || (rules.blocked && !rules.swallow)) from.pause()
    else from.resume()
  }

  /** @param {Buffer | typeof FIN | typeof RST} item */
  const add = item => {
    if (stopped) return
    if (rules.blocked && rules.swallow) {
      lost = true
      return
    }
    queue.push({ item, cameAt: performance.now() })
    if (typeof item === 'object') waiting += item.length
    pump()
  }

  from.on('data', add)
  from.once('end', () => add(FIN))
  to.on('drain', pump)
  to.once('close', pump)

  return {
    push: add,
    reset: () => add(RST),
    update() {
      if (rules.blocked && rules.swallow && queue.length) {
        lost = true
        queue.length = waiting = 0
      }
      if (!rules.blocked) freeAt = 0
      pump()
    },
    torn: () => lost && !rules.blocked,
    stop() {
      stopped = true
      clearTimeout(timer)
      queue.length = waiting = 0
    },
  }
}
