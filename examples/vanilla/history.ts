/** What happened: changes of status with their reasons, what the library announced, what you did. */
import type { Connection } from './connection.ts'
import { byId, element } from './dom.ts'

const LONGEST = 60

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

export interface History {
  /** Adds a line that is not a change of status. */
  note(text: string): void
}

export const mountHistory = (socket: Connection): History => {
  const list = byId('history')

  const add = (kind: string, timestamp: number, ...parts: HTMLElement[]): void => {
    const item = element('li', '')
    item.dataset.status = kind
    item.append(element('time', '', clock.format(timestamp)), ...parts)
    list.prepend(item)
    while (list.children.length > LONGEST) list.lastElementChild?.remove()
  }

  const note = (text: string): void => add('NOTE', Date.now(), element('span', 'words', text))

  const change = ({ from, to, timestamp, reason }: Connection['stateHistory'][number]): void => {
    const states = element('span', 'states', `${from} > ${to}`)
    add(to, timestamp, states, element('span', 'words', reason ?? ''))
  }

  for (const each of socket.stateHistory) change(each)
  socket.on('status', change)
  socket.on('gap', ({ channel }) => note(`Gap: ${channel ?? 'messages'} may have been missed`))
  return { note }
}
