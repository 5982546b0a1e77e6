/** Frames of Phoenix channels, version 2 of the serializer. Pure. */

/** What a frame says. `ref` names a message of the client's, `joinRef` the join that it belongs to. */
export interface PhoenixFrame {
  readonly joinRef: string | null
  readonly ref: string | null
  readonly topic: string
  readonly event: string
  readonly payload: unknown
}

const PUSH = 0
const REPLY = 1
const BROADCAST = 2
/** Supabase's own kind, with a header of its own. */
const USER_BROADCAST = 4
const JSON_PAYLOAD = 1

const encoder = /* @__PURE__ */ new TextEncoder()
const decoder = /* @__PURE__ */ new TextDecoder()

/** The text of a frame without the join, which `withJoinRef` puts in when the frame leaves. */
export const encodeText = (ref: string, topic: string, event: string, payload: unknown): string =>
  JSON.stringify([null, ref, topic, event, payload])

/** The same with a binary payload. Throws a `TypeError` for a name of more than 255 bytes, which its header cannot hold. */
export const encodeBinary = (
  ref: string,
  topic: string,
  event: string,
  payload: ArrayBuffer | ArrayBufferView,
): ArrayBuffer => {
  const names = ['', ref, topic, event].map(name => encoder.encode(name))
  for (const { length } of names) {
    if (length > 255) {
      throw new TypeError(
        `send: expected names of at most 255 bytes beside binary data, got ${length}`,
      )
    }
  }
  const body = ArrayBuffer.isView(payload)
    ? new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
    : new Uint8Array(payload)
  return joined([new Uint8Array([PUSH, ...names.map(({ length }) => length)]), ...names, body])
}

const joined = (parts: readonly Uint8Array[]): ArrayBuffer => {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole.buffer
}

/** A frame of `encodeText` or `encodeBinary` as a message within a join. */
export const withJoinRef = (frame: string | ArrayBuffer, joinRef: string): string | ArrayBuffer => {
  if (typeof frame === 'string') return `[${JSON.stringify(joinRef)}${frame.slice('[null'.length)}`
  const bytes = new Uint8Array(frame)
  const name = encoder.encode(joinRef)
  const header = bytes.slice(0, 5)
  header[1] = name.length
  return joined([header, name, bytes.subarray(5)])
}

/** Reads names one after the other, each of the length that the header gives it. */
const namesOf = (frame: ArrayBuffer, headerSize: number, sizes: readonly number[]) => {
  let at = headerSize
  const names = sizes.map(size => {
    const name = decoder.decode(new Uint8Array(frame, at, size))
    at += size
    return name
  })
  return { names, payload: frame.slice(at) }
}

const decodeBinary = (frame: ArrayBuffer): PhoenixFrame => {
  const [kind, ...header] = new Uint8Array(frame, 0, Math.min(5, frame.byteLength))
  const [a = 0, b = 0, c = 0, d = 0] = header
  if (kind === PUSH) {
    const { names, payload } = namesOf(frame, 4, [a, b, c])
    const [joinRef = '', topic = '', event = ''] = names
    return { joinRef, ref: null, topic, event, payload }
  }
  if (kind === REPLY) {
    const { names, payload } = namesOf(frame, 5, [a, b, c, d])
    const [joinRef = '', ref = '', topic = '', status = ''] = names
    return { joinRef, ref, topic, event: 'phx_reply', payload: { status, response: payload } }
  }
  if (kind === BROADCAST) {
    const { names, payload } = namesOf(frame, 3, [a, b])
    const [topic = '', event = ''] = names
    return { joinRef: null, ref: null, topic, event, payload }
  }
  if (kind === USER_BROADCAST) {
    const { names, payload } = namesOf(frame, 5, [a, b, c])
    const [topic = '', event = ''] = names
    const data = d === JSON_PAYLOAD ? JSON.parse(decoder.decode(payload)) : payload
    const broadcast = { type: 'broadcast', event, payload: data }
    return { joinRef: null, ref: null, topic, event: 'broadcast', payload: broadcast }
  }
  throw new Error(`expected a binary frame of kind 0, 1, 2 or 4, got ${kind}`)
}

const nameOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Throws for anything but a frame of this serializer. */
export const decodeFrame = (frame: unknown): PhoenixFrame => {
  if (typeof frame !== 'string') return decodeBinary(frame as ArrayBuffer)
  const parsed: unknown = JSON.parse(frame)
  const [joinRef, ref, topic, event, payload] = Array.isArray(parsed) ? parsed : []
  if (typeof topic !== 'string' || typeof event !== 'string') {
    throw new Error('expected a frame [join_ref, ref, topic, event, payload]')
  }
  return { joinRef: nameOrNull(joinRef), ref: nameOrNull(ref), topic, event, payload }
}
