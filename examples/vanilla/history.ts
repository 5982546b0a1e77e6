/** What happened: changes of status with their reasons, what the library announced, what you did. */
import type { StateChange } from 'resilient-websocket'
import type { Connection } from './connection.ts'
import { byId, element } from './dom.ts'
import { changeWords } from './words.ts'

const LONGEST = 60

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

export interface History {
  /** Adds a line that is not a change of status. */
  note(text: string): void
}

export const mountHistory = (socket: Connection): History => {
  const list = byId('history')
  // It scrolls, also for a keyboard.
  list.tabIndex = 0

  const add = (kind: string, timestamp: number, ...parts: HTMLElement[]): void => {
    const item = element('li', '')
    item.dataset.status = kind
    item.append(element('time', '', clock.format(timestamp)), ...parts)
    list.prepend(item)
    while (list.children.length > LONGEST) list.lastElementChild?.remove()
  }

  const note = (text: string): void => add('NOTE', Date.now(), element('span', 'words', text))

  const change = (changed: StateChange): void => {
    const [now, why] = changeWords(changed)
    const states = element('span', 'states', now)
    add(changed.to, changed.timestamp, states, element('span', 'words', why))
  }

  for (const each of socket.stateHistory) change(each)
  socket.on('status', change)
  socket.on('gap', ({ channel }) =>
    note(`Messages ${channel ? `of ${channel} ` : ''}may be missing: the page was told`),
  )
  return { note }
}
