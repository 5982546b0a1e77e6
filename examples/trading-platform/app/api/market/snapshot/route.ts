/**
 * Where the page polls while no WebSocket gets through. Hands the market server's snapshot on, also
 * messages by POST; while that server is down it answers polls itself.
 */
import { WS_URL } from '@/app/market/connection'
import { remember, standbySnapshot } from './standby'

export const dynamic = 'force-dynamic'

const UPSTREAM_TIMEOUT_MS = 3000
const ASKED = ['accept', 'authorization', 'content-type', 'if-none-match', 'origin']
const ANSWERED = ['content-type', 'etag', 'retry-after', 'www-authenticate']

const upstreamUrl = (query: string): URL => {
  const base = process.env['MARKET_SERVER_URL'] || WS_URL.replace(/^ws/, 'http')
  const url = new URL('/api/market/snapshot', base)
  url.search = query
  return url
}

const pick = (headers: Headers, names: readonly string[]): Headers => {
  const picked = new Headers()
  for (const name of names) {
    const value = headers.get(name)
    if (value !== null) picked.set(name, value)
  }
  return picked
}

/** The market server's answer; undefined if there is none, or none worth having. */
const ask = async (request: Request, body?: string): Promise<Response | undefined> => {
  try {
    const response = await fetch(upstreamUrl(new URL(request.url).search), {
      method: request.method,
      headers: pick(request.headers, ASKED),
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS),
      ...(body !== undefined && { body }),
    })
    return response.status < 500 ? response : undefined
  } catch {
    return undefined
  }
}

const handOn = (response: Response, text: string | null): Response => {
  const headers = pick(response.headers, ANSWERED)
  headers.set('cache-control', 'no-store')
  return new Response(text, { status: response.status, headers })
}

export const GET = async (request: Request): Promise<Response> => {
  const response = await ask(request)
  if (response?.status === 304) return handOn(response, null)
  if (response) {
    const text = await response.text()
    if (response.ok) remember(JSON.parse(text))
    return handOn(response, text)
  }
  const symbols = new URL(request.url).searchParams.get('symbols')?.split(',')
  return Response.json(standbySnapshot(symbols), { headers: { 'cache-control': 'no-store' } })
}

/** Orders are for the exchange alone: without it there is nobody to take them. */
export const POST = async (request: Request): Promise<Response> => {
  const response = await ask(request, await request.text())
  if (response) return handOn(response, await response.text())
  const headers = { 'cache-control': 'no-store', 'retry-after': '5' }
  return Response.json({ error: 'The market server is away' }, { status: 503, headers })
}
