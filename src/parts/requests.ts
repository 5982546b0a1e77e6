/** `requests()`: messages that are answered. */
import type { RequestsPart } from '../client/parts.ts'
import { createRequests } from '../delivery/requests.ts'

/** Adds `request()`: sends a message and waits for the one that answers it. */
export const requests = (): RequestsPart => ({ name: 'requests', createRequests })
