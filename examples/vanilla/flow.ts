/** Whether anything comes, and how. The status alone does not tell: polls may fail, and a black hole looks open. */
import type { Connection } from './connection.ts'

/** Prices move many times a second, so that so long without a message is silence. */
const SILENT_MS = 2500

export interface Flow {
  /** The last poll had no answer, and none has had one since. */
  pollsFail(): boolean
  now(): 'live' | 'polling' | 'none'
}

export const watchFlow = (socket: Connection): Flow => {
  let polls: 'none yet' | 'answered' | 'failing' = 'none yet'
  socket.on('status', () => {
    polls = 'none yet'
  })
  socket.on('poll', () => {
    polls = 'answered'
  })
  socket.on('error', ({ code }) => {
    if (code === 'POLL') polls = 'failing'
  })
  return {
    pollsFail: () => polls === 'failing',
    now() {
      const { status, lastMessageAt } = socket.getSnapshot()
      if (status === 'FALLBACK') return polls === 'answered' ? 'polling' : 'none'
      const silent = lastMessageAt === null || Date.now() - lastMessageAt > SILENT_MS
      return status === 'OPEN' && !silent ? 'live' : 'none'
    },
  }
}
