/** Sends what you type and shows what became of it. */
import type { Delivery } from 'resilient-websocket'
import type { Connection } from './connection.ts'
import { byId, element, write } from './dom.ts'
import { deliveryWords } from './words.ts'

const LONGEST = 30

interface Entry {
  readonly delivery: Delivery
  readonly sentAt: number
  readonly item: HTMLElement
  readonly state: HTMLElement
  echoes: number
}

export const mountSendBox = (socket: Connection): void => {
  const form = byId<HTMLFormElement>('send')
  const input = byId<HTMLInputElement>('send-text')
  const list = byId('sent')
  // It scrolls, also for a keyboard.
  list.tabIndex = 0
  const entries = new Map<string, Entry>()

  const show = ({ delivery, item, state, echoes }: Entry): void => {
    item.dataset.state = echoes ? 'echoed' : delivery.state
    item.dataset.echoes = `${echoes}`
    write(state, deliveryWords(delivery.state, delivery.reason, echoes))
  }

  const send = (text: string): void => {
    const delivery = socket.send({ type: 'echo', data: { text } })
    const item = element('li', '')
    const state = element('span', 'state')
    item.append(element('span', 'words', text), state)
    const entry: Entry = { delivery, sentAt: Date.now(), item, state, echoes: 0 }
    entries.set(delivery.id, entry)
    list.prepend(item)
    while (list.children.length > LONGEST) list.lastElementChild?.remove()
    show(entry)
  }

  const update = (id: string | undefined, echo: 0 | 1): void => {
    const entry = id === undefined ? undefined : entries.get(id)
    if (!entry) return
    entry.echoes += echo
    show(entry)
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    if (input.value.trim()) send(input.value.trim())
  })
  byId('send-ten').addEventListener('click', () => {
    for (let count = 1; count <= 10; count++) send(`${input.value.trim() || 'Hello'} ${count}`)
  })
  socket.on('delivery', ({ id }) => update(id, 0))
  socket.on('message', message => {
    if (message.type === 'echo') update(message.replyTo, 1)
  })
}
