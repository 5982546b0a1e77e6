/** The buttons that hurt the connection, and the picture of the way that messages take. */
import type { Connection } from './connection.ts'
import { breakThings, type Demo, loadDemo } from './control.ts'
import { byId, write } from './dom.ts'
import type { Flow } from './flow.ts'

const SAID: Readonly<Record<string, string>> = {
  cut: 'You cut the connection',
  blackhole: 'You made the network a black hole',
  slow: 'You made the network slow',
  'block-websocket': 'You blocked WebSocket',
  'stop-server': 'You stopped the server',
  'start-server': 'You started the server',
  heal: 'You healed everything',
}

const LOOK_MS = 2000

const WAYS = { live: 'WebSocket', polling: 'HTTP polling', none: 'nothing comes' } as const

export const mountFaults = (
  socket: Connection,
  initial: Demo,
  flow: Flow,
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
        stopped
          ? 'It is down. Once it is back, so is the page.'
          : 'Nobody answers. The page goes on dialing.',
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
    const now = flow.now()
    route.dataset.flow = now
    write(byId('wire'), WAYS[now])
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

  /** Another tab has the same buttons. */
  const look = async (): Promise<void> => {
    const demo = document.hidden ? undefined : await loadDemo()
    if (demo && !panel.querySelector(':disabled')) show(demo)
  }
  setInterval(look, LOOK_MS)

  socket.on('status', showWay)
  // Silence is no event.
  setInterval(showWay, 250)
  show(initial)
  showWay()
  panel.hidden = route.hidden = false
}
