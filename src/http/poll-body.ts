/** The body of a poll: JSON, an HTML page that is no answer at all, or whatever `fallback.parse` reads. */
import { messageOf } from '../errors.ts'
import type { FallbackSettings } from '../options/settings.ts'
import { answerError, notJson } from './request.ts'

export type PollBody =
  /** Nothing is new. */
  | { readonly kind: 'empty' }
  /** A page for people: there is nothing to poll at this URL. */
  | { readonly kind: 'html' }
  /** JSON, or a text that `fallback.parse` leaves to the client. */
  | { readonly kind: 'content'; readonly content: unknown }
  /** The messages that `fallback.parse` has made of it. */
  | { readonly kind: 'parsed'; readonly messages: readonly unknown[] }

const isHtml = (text: string, type: string): boolean =>
  /html/i.test(type) || /^\s*<!doctype html/i.test(text)

/** Calls `fallback.parse`, and names it in its errors. `undefined` or `null`: the client reads the body itself. */
const parseBy = async (
  parse: NonNullable<FallbackSettings['parse']>,
  content: unknown,
  response: Response,
): Promise<readonly unknown[] | null | undefined> => {
  let parsed: unknown
  try {
    parsed = await parse(content, response)
  } catch (error) {
    throw answerError(`fallback.parse: ${messageOf(error)}`, response.status, error)
  }
  if (parsed == null || Array.isArray(parsed)) return parsed
  const message = `fallback.parse: expected an array of messages, got ${typeof parsed}`
  throw answerError(message, response.status)
}

/** Reads the text of a body; rejects if it makes no sense. */
export const readPollBody = async (
  text: string,
  response: Response,
  parse: FallbackSettings['parse'],
): Promise<PollBody> => {
  if (!text.trim()) return { kind: 'empty' }
  const type = response.headers.get('content-type') ?? ''
  let content: unknown = text
  try {
    content = JSON.parse(text)
  } catch (error) {
    if (!parse && isHtml(text, type)) return { kind: 'html' }
    // Half of a JSON is no text that was meant for anybody.
    if (!parse || /json/i.test(type)) throw notJson('Poll', response, error)
  }
  const messages = parse && (await parseBy(parse, content, response))
  return messages ? { kind: 'parsed', messages } : { kind: 'content', content }
}
