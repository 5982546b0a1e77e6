/** The buttons that hurt the connection, and the picture of the way that messages take. */
import type { Connection } from './connection.ts'
import { breakThings, type Demo } from './control.ts'
import { byId, write } from './dom.ts'

const SAID: Readonly<Record<string, string>> = {
  cut: 'You cut the connection',
  blackhole: 'You made the network a black hole',
  slow: 'You made the network slow',
  'block-websocket': 'You blocked WebSocket',
  'stop-server': 'You stopped the server',
  'start-server': 'You started the server',
  heal: 'You healed everything',
}

export const mountFaults = (
  socket: Connection,
  initial: Demo,
  note: (text: string) => void,
): void => {
  const panel = byId('faults')
  const problem = byId('fault-problem')
  const route = byId('route')
  const toggle = byId<HTMLButtonElement>('toggle-server')
  const [toggleName, toggleWords] = toggle.children

  const show = ({ network, server, feed }: Demo): void => {
    write(byId('feed'), feed)
    route.dataset.network = network
    route.dataset.server = server
    write(byId('network-word'), network)
    write(byId('server-word'), server)
    const stopped = server === 'stopped'
    toggle.dataset.fault = stopped ? 'start-server' : 'stop-server'
    if (toggleName) write(toggleName, stopped ? 'Start the server' : 'Stop the server')
    if (toggleWords) {
      write(
        toggleWords,
        stopped ? 'It is down. The page keeps trying.' : 'Nobody there at all. It keeps trying.',
      )
    }
    for (const button of panel.querySelectorAll('button')) {
      const { fault } = button.dataset
      const active =
        (fault === 'blackhole' && network === 'black hole') ||
        (fault === 'block-websocket' && network === 'blocks WebSocket') ||
        (fault === 'slow' && network === 'slow') ||
        fault === 'start-server'
      button.setAttribute('aria-pressed', `${active}`)
    }
  }

  const showWay = (): void => {
    const { transport } = socket.getSnapshot()
    write(byId('wire'), transport === 'polling' ? 'HTTP polling' : transport ? 'WebSocket' : '')
  }

  panel.addEventListener('click', async ({ target }) => {
    const button = target instanceof Element ? target.closest('button') : null
    const fault = button?.dataset.fault
    if (!button || !fault) return
    button.disabled = true
    try {
      note(SAID[fault] ?? fault)
      show(await breakThings(fault))
      write(problem, '')
    } catch (thrown) {
      write(problem, `That did not work: ${(thrown as Error).message}`)
    } finally {
      button.disabled = false
    }
  })

  socket.on('status', showWay)
  show(initial)
  showWay()
  panel.hidden = false
}
