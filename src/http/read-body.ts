/** The body of an HTTP answer as text, within a bound. */

/** 16 MiB, after decompression: a server or proxy must not fill our memory. */
const MAX_BODY_BYTES = 16_777_216

/** A body is larger than we read. */
export class BodyTooLarge extends Error {
  override readonly name: string = 'BodyTooLarge'
}

const tooLarge = (): BodyTooLarge =>
  new BodyTooLarge(`Answer too large: expected at most ${MAX_BODY_BYTES} bytes; give less at once`)

/** Reads to the end, or throws. `signal` also ends a stream whose fetch ignores its abort. */
export const readBody = async (response: Response, signal: AbortSignal): Promise<string> => {
  if (Number(response.headers.get('content-length')) > MAX_BODY_BYTES) throw tooLarge()
  const reader = response.body?.getReader?.()
  // React Native has no streams; a mock of fetch may have no more than json().
  if (!reader) return response.text ? response.text() : JSON.stringify(await response.json())
  const cancel = (): void => void reader.cancel().catch(() => {})
  signal.addEventListener('abort', cancel)
  try {
    const decoder = new TextDecoder()
    let text = ''
    let bytes = 0
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.byteLength
      if (bytes > MAX_BODY_BYTES) throw tooLarge()
      text += decoder.decode(part.value, { stream: true })
    }
    signal.throwIfAborted()
    return text + decoder.decode()
  } catch (error) {
    cancel()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
