/** A shape for each status, so that colour is never the only sign. */
import type { Status } from 'resilient-websocket'
import { svg } from './dom.ts'

const DISC = 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z'

/** Paths in a box of 16 by 16; where they overlap they leave a hole. */
const PATHS: Readonly<Record<Status, string>> = {
  OPEN: `${DISC}M4.2 8.2 7 11l5-5.2-1.2-1.1L7 8.7 5.4 7.1Z`,
  CONNECTING: 'M8 1a7 7 0 1 1-7 7h2.4A4.6 4.6 0 1 0 8 3.4Z',
  RECONNECTING: 'M8 1a7 7 0 1 1-7 7h2.4A4.6 4.6 0 1 0 8 3.4V6L3.6 2.6 8-.6Z',
  FALLBACK: 'M5 1 1 5h2.6v7h2.8V5H9Zm6 14 4-4h-2.6V4H9.6v7H7Z',
  CLOSED: `${DISC}M4 7v2h8V7Z`,
  ERROR: 'M8 1 15.5 15H.5ZM7 6v4.5h2V6Zm0 5.7v1.8h2v-1.8Z',
}

export const icon = (status: Status): SVGElement =>
  svg(
    'svg',
    { viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true' },
    svg('path', { d: PATHS[status], 'fill-rule': 'evenodd', fill: 'currentColor' }),
  )
