/** Plays a recording of real frames, in its own rhythm. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import type { Publication } from '../broker/broker.ts'
import type { Feed, Publisher } from './feed.ts'

export interface ReplayOptions {
  /** How fast: 2 is twice as fast as it was recorded; above 0, or a `RangeError`. @default 1 */
  speed?: number
  /** Called when a publication fails; the replay goes on. @default none */
  onError?: (error: unknown) => void
}

interface Recorded {
  /** Since the first frame, in ms. */
  readonly atMs: number
  readonly text: string
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null

/** A line `{"t": ms, "d": "in", "m": "<frame>"}`, or `<receive ns> <frame>`; undefined for what did not come in. */
export const parseLine = (line: string): Recorded | undefined => {
  const stamped = /^(\d+) (.*)$/s.exec(line)
  if (stamped) return { atMs: Number(stamped[1]) / 1e6, text: stamped[2] as string }
  const recorded: unknown = JSON.parse(line)
  if (
    !isObject(recorded) ||
    typeof recorded['t'] !== 'number' ||
    typeof recorded['m'] !== 'string'
  ) {
    throw new Error(`expected {"t": ms, "d": "in", "m": "<frame>"}, got ${line.slice(0, 60)}`)
  }
  return recorded['d'] === 'in' ? { atMs: recorded['t'], text: recorded['m'] } : undefined
}

/**
 * Where a frame goes: an envelope with a `channel` there as it is, a Binance combined stream as
 * `market_data` on its symbol, anything else on `replay`.
 */
export const route = (
  text: string,
): { readonly channel: string; readonly publication: Publication } => {
  let frame: unknown = text
  try {
    frame = JSON.parse(text)
  } catch {
    // Not JSON: it travels as the text it was.
  }
  if (isObject(frame)) {
    const { channel, type, stream, data } = frame
    if (typeof channel === 'string' && typeof type === 'string') {
      const { id, timestamp } = frame
      return {
        channel,
        publication: {
          type,
          data,
          ...(typeof id === 'string' && { id }),
          ...(typeof timestamp === 'number' && { timestamp }),
        },
      }
    }
    if (typeof stream === 'string' && isObject(data)) {
      const symbol = (stream.split('@', 1)[0] as string).toUpperCase()
      return { channel: symbol, publication: { type: 'market_data', data } }
    }
  }
  return { channel: 'replay', publication: { type: 'market_data', data: frame } }
}

const isGzip = async (file: string): Promise<boolean> => {
  const handle = await open(file)
  try {
    const { buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return buffer[0] === 0x1f && buffer[1] === 0x8b
  } finally {
    await handle.close()
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const zipped = await isGzip(file)
  const raw = createReadStream(file)
  const input = zipped ? raw.pipe(createGunzip()) : raw
  if (zipped) raw.on('error', error => input.destroy(error))
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  } finally {
    raw.destroy()
  }
}

/**
 * Publishes the incoming frames of a recording (NDJSON or `<ns> <frame>` lines, also gzipped) and ends
 * with it. Time is counted from the start, so that no delay adds up. The
 * file is read as it goes, in bounded memory.
 */
export const startReplay = (
  publisher: Publisher,
  file: string,
  options: ReplayOptions = {},
): Feed => {
  const { speed = 1, onError = () => {} } = options
  if (!(speed > 0 && speed < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`speed: expected a number > 0, got ${speed}`)
  }
  const cancel = new AbortController()
  let published = 0

  const play = async (): Promise<void> => {
    let first: number | undefined
    let number = 0
    const start = performance.now()
    for await (const line of linesOf(file)) {
      number++
      if (cancel.signal.aborted) return
      if (!line) continue
      let recorded: Recorded | undefined
      try {
        recorded = parseLine(line)
      } catch (error) {
        throw new Error(`${file}, line ${number}: ${(error as Error).message}`)
      }
      if (!recorded) continue
      first ??= recorded.atMs
      const early = (recorded.atMs - first) / speed - (performance.now() - start)
      if (early > 1) await wait(early, undefined, cancel).catch(() => {})
      if (cancel.signal.aborted) return
      const { channel, publication } = route(recorded.text)
      published++
      await publisher.publish(channel, publication).catch(onError)
    }
  }

  const ended = play()
  // An error that nobody waits for must not end the process.
  ended.catch(() => {})
  return {
    ended,
    published: () => published,
    stop: () => cancel.abort(),
  }
}
