/** The address of a client, and the name under which it has found this server. Pure. */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** An address, also with a port, as some proxies write it; `undefined` for anything else. */
const addressIn = (entry: string): string | undefined => {
  const text = entry.trim().toLowerCase()
  const [, bracketed, dotted] = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? []
  const address = bracketed ?? dotted ?? text
  return isIP(address) ? address : undefined
}

/** The address of a client, behind so many proxies that append to `X-Forwarded-For`. */
export const addressOf = (
  { trustProxy }: { trustProxy: number },
  request: IncomingMessage,
): string => {
  const direct = request.socket.remoteAddress ?? ''
  if (!trustProxy) return direct
  const header = [request.headers['x-forwarded-for'] ?? []].flat().join(',')
  const entries = header.split(',').flatMap(entry => addressIn(entry) ?? [])
  return entries[Math.max(entries.length - trustProxy, 0)] ?? direct
}

const LOOPBACK = /^(127(\.\d{1,3}){3}|\[?::1\]?|(.+\.)?localhost)\.?$/

/** True for an address or a name of this machine that no foreign site can claim. */
export const isLoopback = (name: string): boolean => LOOPBACK.test(name.toLowerCase())

/** The name in a `Host` header, without its port; `undefined` for a malformed one. */
export const nameIn = (host: string): string | undefined =>
  /^(\[[\da-f:.]+\]|[^\s:/?#@\\[\]]+)(:\d+)?$/.exec(host.toLowerCase())?.[1]
