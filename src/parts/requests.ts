/** `requests()`: messages that are answered. */
import type { RequestsPart } from '../client/parts.ts'
import { createRequest } from '../client/request.ts'
import { createRequests } from '../delivery/requests.ts'
import type { Part } from '../options/part.ts'

/** Adds `request()`: sends a message and waits for the one that answers it. */
export const requests = (): Part<'requests'> => {
  const part: RequestsPart = { name: 'requests', createRequest, createRequests }
  return part
}
