/** Answers by HTTP, in JSON. */
import type { ServerResponse } from 'node:http'

export type Headers = Record<string, string>

/** Sends one answer; `undefined` as the body sends none. Throws, before anything is sent, for a body that JSON cannot hold. */
export const respond = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Headers = {},
): void => {
  const text = body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  response.end(text)
}
