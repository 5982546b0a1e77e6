// @vitest-environment happy-dom
/** What a newcomer does with the hooks, and what must not come of it. */
import { Activity, act, Component, type ReactNode, StrictMode, useEffect, useState } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import {
  createResilientWebSocket,
  type IncomingEnvelope,
  type ResilientWebSocket,
} from 'resilient-websocket'
import {
  ResilientWebSocketProvider,
  type UseResilientWebSocketResult,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/react'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPage, macrotask, type Page } from './support.tsx'

let page: Page
const dials = vi.fn()

beforeEach(() => {
  page = createPage()
  // Whatever dials on its own, dials here.
  dials.mockReset()
  vi.stubGlobal(
    'WebSocket',
    class {
      constructor(url: string) {
        dials(url)
      }
    },
  )
})
afterEach(() => vi.unstubAllGlobals())

type Socket = ResilientWebSocket<IncomingEnvelope, { type: string }>

const Below = ({
  socket,
  name,
}: {
  socket?: Socket | null | undefined
  name: string
}): ReactNode => {
  const given = name === 'given' ? { socket } : {}
  const connection = useResilientWebSocket(given)
  const { status } = useWebSocket(given)
  const quotes = useSubscription('A', undefined, given)
  const { connect, reconnect, disconnect } = connection
  useEffect(() => {
    connect()
    reconnect()
    connection.socket.connect()
    disconnect()
    connect()
  }, [connection.socket, connect, reconnect, disconnect])
  return `${connection.status} ${status} ${quotes.get('A')?.data ?? 'nothing'}`
}

test.each(['given', 'provided'])(
  'a client that is still to come, %s, dials nothing',
  async name => {
    let come = (_socket: Socket | null): void => {}
    const Tree = (): ReactNode => {
      const [socket, setSocket] = useState<Socket | null>()
      come = setSocket
      return (
        <ResilientWebSocketProvider socket={name === 'provided' ? socket : undefined}>
          <Below name={name} socket={socket} />
        </ResilientWebSocketProvider>
      )
    }
    await page.render(
      <StrictMode>
        <Tree />
      </StrictMode>,
    )
    await act(macrotask)
    expect(page.text()).toBe('CONNECTING CONNECTING nothing')
    await act(async () => come(null))
    expect(page.text()).toBe('CONNECTING CONNECTING nothing')
    expect(dials).not.toHaveBeenCalled()

    const socket = createResilientWebSocket<IncomingEnvelope, { type: string }>({
      environment: page.network.environment,
      url: 'ws://own.test',
    })
    await act(async () => come(socket))
    await page.accept()
    await page.receive({ type: 't', channel: 'A', data: 5 })
    expect(page.text()).toBe('OPEN OPEN 5')
    await act(async () => come(null))
    await act(macrotask)
    expect(page.text()).toBe('CONNECTING CONNECTING nothing')
    expect(socket.status).toBe('OPEN')
    expect(dials).not.toHaveBeenCalled()
    socket.close()
  },
)

test('what is sent to a client that is still to come is rejected once it is clear that it went nowhere', async () => {
  let sent: ReturnType<UseResilientWebSocketResult['sendMessage']> | undefined
  const Early = (): ReactNode => {
    const { sendMessage, status } = useResilientWebSocket({ socket: null, enabled: false })
    useEffect(() => {
      sent = sendMessage({ type: 'x' })
    }, [sendMessage])
    return status
  }
  await page.render(<Early />)
  expect(page.text()).toBe('CLOSED')
  await page.render(null)
  await act(macrotask)
  expect(sent).toMatchObject({ state: 'rejected', reason: 'closed' })
})

test('a connection kept as a whole says in handlers and effects what is true at that moment', async () => {
  const { environment } = page.network
  const kept: UseResilientWebSocketResult[] = []
  let renders = 0
  const Whole = (): ReactNode => {
    const connection = useResilientWebSocket({ environment })
    renders++
    kept.push(connection)
    return null
  }
  await page.render(<Whole />)
  await page.accept()
  expect(renders).toBe(1)
  await page.advance(3000)
  await page.receive({ type: 't', data: 7 })
  const [first] = kept
  expect(first).toMatchObject({
    status: 'OPEN',
    isConnected: true,
    connectionDuration: 3000,
    lastMessage: { data: 7 },
  })
  await page.lose()
  for (const each of kept)
    expect(each).toMatchObject({ status: 'RECONNECTING', isConnected: false })
})

test('a component that comes while the connection is open says so at once', async () => {
  const { environment } = page.network
  const seen: string[] = []
  const Status = ({ name }: { name: string }): ReactNode => {
    const { status } = useResilientWebSocket({ environment, token: async () => 'of ann' })
    const { isConnected } = useResilientWebSocket({ environment, url: 'ws://plain.test' })
    seen.push(`${name} ${status} ${isConnected}`)
    return null
  }
  await page.render([<Status key="one" name="one" />])
  await act(async () => {
    for (const socket of page.network.sockets) {
      socket.open()
      socket.receive({ type: 'connection', data: {} })
    }
  })
  await page.render([<Status key="one" name="one" />, <Status key="two" name="two" />])
  expect([...new Set(seen.filter(each => each.startsWith('two')))]).toEqual(['two OPEN true'])
})

test('one that takes over what a server has rendered shows that first, while it is open elsewhere', async () => {
  const { environment } = page.network
  const seen: string[] = []
  const Status = (): ReactNode => {
    const { status } = useResilientWebSocket({ environment, token: async () => 'of ann' })
    seen.push(status)
    return status
  }
  const html = renderToString(<Status />)
  await page.render(<Status />)
  await page.accept()
  const place = document.body.appendChild(document.createElement('div'))
  place.innerHTML = html
  seen.length = 0
  const complaint = vi.fn()
  const root = await act(async () =>
    hydrateRoot(place, <Status />, { onRecoverableError: complaint }),
  )
  expect([seen[0], place.textContent]).toEqual(['CONNECTING', 'OPEN'])
  expect(complaint).not.toHaveBeenCalled()
  await act(async () => root.unmount())
})

test.each([[undefined], [null], [false as const], [''], [[]]])(
  'channels that are not known yet (%j) listen to nothing, and the page stays',
  async none => {
    const { environment } = page.network
    const Quotes = ({ channels }: { channels: Parameters<typeof useSubscription>[0] }): ReactNode =>
      [...useSubscription(channels, undefined, { environment })].map(([name]) => name).join()
    await page.render(<Quotes channels={none} />)
    await page.accept()
    await page.render(<Quotes channels={['A', none].flat()} />)
    await page.receive({ type: 't', channel: 'A', data: 1 })
    expect(page.text()).toBe('A')
    expect(page.network.socket().messages()).toMatchObject([
      { type: 'subscribe', data: { channels: ['A'] } },
    ])
  },
)

class Boundary extends Component<{ children: ReactNode; caught: (error: Error) => void }> {
  override state = { failed: false }
  static getDerivedStateFromError(): object {
    return { failed: true }
  }
  override componentDidCatch(error: Error): void {
    this.props.caught(error)
  }
  override render(): ReactNode {
    return this.state.failed ? 'failed' : this.props.children
  }
}

test.each([
  ['url', () => ({ url: `ws://a.test/?nonce=${Math.random()}` })],
  ['identity', () => ({ identity: String(Math.random()) })],
  ['protocols', () => ({ protocols: [String(Math.random())] })],
])('%s that is another one each time is named, with what to do', async (name, optionsOf) => {
  const { environment } = page.network
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const caught: string[] = []
  const Nonce = ({ n }: { n: number }): ReactNode =>
    `${useResilientWebSocket({ environment, ...optionsOf() }).status} ${n}`
  const app = (n: number): ReactNode => (
    <Boundary caught={({ message }) => caught.push(message)}>
      <Nonce n={n} />
    </Boundary>
  )
  await page.render(app(1))
  await page.render(app(2))
  expect(caught).toEqual([
    `useResilientWebSocket: \`${name}\` is another one each time the component renders, and each one means another client. Expected one that stays the same: keep it in useState or useMemo, or give a function for \`url\`, which is asked on every dial`,
  ])
  vi.restoreAllMocks()
})

test('a url that changes often, also in what is hidden meanwhile, is no error', async () => {
  const network = createFakeNetwork()
  const Room = ({ n }: { n: number }): ReactNode =>
    useResilientWebSocket({ environment: network.environment, url: `ws://a.test/${n}` }).status
  for (let n = 0; n < 20; n++) {
    await page.render(
      <Activity mode={n < 10 || n === 19 ? 'visible' : 'hidden'}>
        <Room n={n} />
      </Activity>,
    )
  }
  expect(page.text()).toBe('CONNECTING')
})
