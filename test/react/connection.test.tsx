// @vitest-environment happy-dom
import { Activity, act, type ReactNode, StrictMode, Suspense, useEffect, useState } from 'react'
import { createResilientWebSocket, type IncomingEnvelope } from 'resilient-websocket'
import {
  ResilientWebSocketProvider,
  type UseResilientWebSocketOptions,
  useResilientWebSocket,
  useSubscription,
  useWebSocket,
} from 'resilient-websocket/react'
import { createFakeNetwork } from 'resilient-websocket/testing'
import { expect, test, vi } from 'vitest'
import { createPage, macrotask } from './support.tsx'

const tick = (n: number): IncomingEnvelope => ({ type: 'tick', data: n, id: `t${n}` })

const Status = (options: UseResilientWebSocketOptions): ReactNode =>
  useResilientWebSocket(options).status

test('a component shows the connection as it goes, and its end ends the connection', async () => {
  const page = createPage()
  await page.render(<Status environment={page.network.environment} />)
  expect(page.text()).toBe('CONNECTING')
  await page.accept()
  expect(page.text()).toBe('OPEN')
  await page.lose()
  expect(page.text()).toBe('RECONNECTING')
  await page.unmount()
  await macrotask()
  expect(page.network.clock.pending()).toBe(0)
  expect(page.network.page.listeners()).toBe(0)
})

test('in StrictMode two hooks and a subscription dial once, through mount, unmount and remount', async () => {
  const page = createPage()
  const { environment } = page.network
  const Price = (): ReactNode =>
    String(useSubscription('A', undefined, { environment }).get('A')?.data)
  const whole = (
    <StrictMode>
      <Status environment={environment} />
      <Status environment={environment} />
      <Price />
    </StrictMode>
  )
  await page.render(whole)
  await page.accept()
  await page.receive({ type: 't', channel: 'A', data: 5 })
  expect(page.text()).toBe('OPENOPEN5')
  await page.remount(whole)
  await macrotask()
  expect(page.text()).toBe('OPENOPENundefined')
  expect(page.network.sockets).toHaveLength(1)
  expect(page.network.socket().closedByClient).toBeUndefined()
  await page.render(null)
  await macrotask()
  expect(page.network.socket().closedByClient?.code).toBe(1000)
})

test('a component that reads only the status commits only when it changes', async () => {
  const page = createPage()
  const { environment } = page.network
  const commits: string[] = []
  const Only = (): ReactNode => {
    const { status } = useResilientWebSocket({ environment, onMessage: () => {} })
    useEffect(() => void commits.push(status))
    return status
  }
  await page.render(<Only />)
  await page.accept()
  for (let n = 0; n < 100; n++) {
    await page.receive(tick(n))
    await page.advance(10)
  }
  await page.lose()
  expect(commits).toEqual(['CONNECTING', 'OPEN', 'RECONNECTING'])
})

test('a component that reads nothing never renders again', async () => {
  const page = createPage()
  const { environment } = page.network
  let renders = 0
  const Sender = (): ReactNode => {
    const connection = useResilientWebSocket({ environment })
    renders++
    return <button type="button" onClick={() => connection.sendMessage({ type: 'x' })} />
  }
  await page.render(<Sender />)
  await page.accept()
  await page.receive(tick(1))
  await page.lose()
  expect(renders).toBe(1)
})

test('lastMessage and messages change once per batch window, onMessage and onBatch hear all', async () => {
  const page = createPage()
  const { environment } = page.network
  const heard: unknown[] = []
  const batches: unknown[] = []
  const commits: unknown[] = []
  const Reader = (): ReactNode => {
    const { lastMessage, messages } = useResilientWebSocket({
      environment,
      onMessage: ({ data }) => heard.push(data),
      onBatch: batch => batches.push(batch.length),
    })
    useEffect(() => void commits.push([lastMessage?.data, messages.map(({ data }) => data)]))
    return null
  }
  await page.render(<Reader />)
  await page.accept()
  for (let n = 0; n < 5; n++) await page.receive(tick(n))
  await page.advance(150)
  expect(heard).toEqual([0, 1, 2, 3, 4])
  expect(batches).toEqual([1, 4])
  expect(commits).toEqual([
    [undefined, []],
    [0, [0]],
    [4, [1, 2, 3, 4]],
  ])
})

test('without batches each message is a batch of one', async () => {
  const page = createPage()
  const { environment } = page.network
  const seen: unknown[] = []
  const Reader = (): ReactNode => {
    const { messages } = useResilientWebSocket({ environment, batch: false })
    const prices = useSubscription('A', undefined, { environment, batch: false })
    useEffect(() => void seen.push([messages.map(({ data }) => data), prices.get('A')?.data]))
    return null
  }
  await page.render(<Reader />)
  await page.accept()
  await page.receive({ ...tick(1), channel: 'A' })
  await page.receive({ ...tick(2), channel: 'A' })
  expect(seen).toEqual([
    [[], undefined],
    [[1], 1],
    [[2], 2],
  ])
})

test('the duration counts on once a second, and only while somebody reads it', async () => {
  const page = createPage()
  const { environment } = page.network
  const commits: number[] = []
  const Duration = (): ReactNode => {
    const { connectionDuration } = useResilientWebSocket({ environment })
    useEffect(() => void commits.push(connectionDuration))
    return null
  }
  const both = (shown: boolean): ReactNode => (
    <>
      <Status environment={environment} />
      {shown && <Duration />}
    </>
  )
  await page.render(both(true))
  await page.advance(500)
  await page.accept()
  for (let n = 0; n < 30; n++) {
    await page.receive(tick(n))
    await page.advance(100)
  }
  expect(commits).toEqual([0, 500, 1500, 2500])
  const armed = page.network.clock.pending()
  await page.render(both(false))
  expect(page.network.clock.pending()).toBe(armed - 1)
})

test('what is read for the first time on a later render is as it is now', async () => {
  const page = createPage()
  const { environment } = page.network
  let show = (): void => {}
  const Later = (): ReactNode => {
    const connection = useResilientWebSocket({ environment, enabled: false })
    const [shown, setShown] = useState(false)
    show = () => setShown(true)
    return `${connection.status} ${shown ? connection.queued : ''}`
  }
  const Sender = (): ReactNode => {
    const { sendMessage } = useResilientWebSocket({ environment, enabled: false })
    useEffect(() => {
      sendMessage({ type: 'x' })
      sendMessage({ type: 'y' })
    }, [sendMessage])
    return null
  }
  await page.render([<Later key="l" />, <Sender key="s" />])
  expect(page.text()).toBe('CLOSED ')
  await act(async () => show())
  expect(page.text()).toBe('CLOSED 2')
})

test('the latest inline callback and function is called, and nothing reconnects', async () => {
  const page = createPage()
  const { environment } = page.network
  const heard: string[] = []
  const Inline = ({ name }: { name: string }): ReactNode => {
    const { status } = useResilientWebSocket({
      environment,
      url: () => `ws://${name}.test`,
      reconnect: { jitter: 0, when: ({ code }) => void heard.push(`${name} ${code}`) },
      onMessage: ({ data }) => heard.push(`${name} ${data}`),
      onStatusChange: status => heard.push(`${name} ${status}`),
    })
    return status
  }
  await page.render(<Inline name="a" />)
  await page.accept()
  await page.receive(tick(1))
  await page.render(<Inline name="b" />)
  await page.receive(tick(2))
  await macrotask()
  expect(page.network.sockets).toHaveLength(1)
  await page.lose()
  await page.advance(2000)
  expect(page.network.sockets.map(({ url }) => url)).toEqual(['ws://a.test', 'ws://b.test'])
  expect(heard).toEqual(['a CONNECTING', 'a OPEN', 'a 1', 'b 2', 'b 1006', 'b RECONNECTING'])
})

test('a callback that comes later is called, and one that goes is not', async () => {
  const page = createPage()
  const { environment } = page.network
  const heard = vi.fn()
  await page.render(<Status environment={environment} />)
  await page.accept()
  await page.render(<Status environment={environment} onMessage={heard} />)
  await page.receive(tick(1))
  await page.render(<Status environment={environment} onMessage={undefined} />)
  await page.receive(tick(2))
  expect(heard.mock.calls).toEqual([[tick(1)]])
})

test('another url is another client, and the old one is released', async () => {
  const page = createPage()
  const { environment } = page.network
  await page.render(<Status environment={environment} url="ws://a.test" />)
  await page.accept()
  await page.render(<Status environment={environment} url="ws://b.test" />)
  expect(page.text()).toBe('CONNECTING')
  await macrotask()
  expect(page.network.sockets.map(({ url }) => url)).toEqual(['ws://a.test', 'ws://b.test'])
  expect(page.network.sockets[0]?.closedByClient?.code).toBe(1000)
})

test('enabled connects and disconnects, unless somebody else still wants it', async () => {
  const page = createPage()
  const { environment } = page.network
  const two = (first: boolean, second: boolean): ReactNode => (
    <>
      <Status environment={environment} enabled={first} />
      <Status environment={environment} enabled={second} />
    </>
  )
  await page.render(two(false, false))
  expect(page.text()).toBe('CLOSEDCLOSED')
  expect(page.network.sockets).toHaveLength(0)
  await page.render(two(true, true))
  await page.accept()
  await page.render(two(false, true))
  await act(macrotask)
  expect(page.text()).toBe('OPENOPEN')
  await page.render(two(false, false))
  await act(macrotask)
  expect(page.text()).toBe('CLOSEDCLOSED')
})

test('a disconnect by hand stays, also when another component comes', async () => {
  const page = createPage()
  const { environment } = page.network
  const Button = (): ReactNode => {
    const { disconnect } = useResilientWebSocket({ environment })
    return <button type="button" onClick={disconnect} />
  }
  await page.render([<Button key="b" />])
  await page.accept()
  await act(async () => page.element.querySelector('button')?.click())
  await page.render([<Button key="b" />, <Status key="s" environment={environment} />])
  expect(page.text()).toBe('CLOSED')
  expect(page.network.sockets).toHaveLength(1)
})

test('share: false, and another environment, are clients of their own', async () => {
  const page = createPage()
  const other = createFakeNetwork()
  const { environment } = page.network
  await page.render(
    <>
      <Status environment={environment} />
      <Status environment={environment} share={false} />
      <Status environment={other.environment} />
    </>,
  )
  expect(page.network.sockets).toHaveLength(2)
  expect(other.sockets).toHaveLength(1)
})

test('different options for one url are warned of once; the first count', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const page = createPage()
  const { environment } = page.network
  await page.render(
    <>
      <Status environment={environment} url="ws://a.test" batch={{ windowMs: 50 }} />
      <Status environment={environment} url="ws://a.test" />
      <Status environment={environment} url="ws://a.test" batch={{ windowMs: 50 }} />
    </>,
  )
  expect(warn).not.toHaveBeenCalled()
  await page.render(
    <>
      <Status environment={environment} url="ws://a.test" batch={{ windowMs: 50 }} />
      <Status environment={environment} url="ws://a.test" />
      <Status environment={environment} url="ws://a.test" batch={{ windowMs: 50 }} />
      <Status environment={environment} url="ws://a.test" batch={{ windowMs: 99 }} />
    </>,
  )
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0]?.[0]).toBe(
    'resilient-websocket: ws://a.test is shared, and the options of its first caller count; another one gave other values for: batch. Give the same ones, or share: false.',
  )
  expect(page.network.sockets).toHaveLength(1)
  warn.mockRestore()
})

test('the client of a provider, or an own one, is used and left alone', async () => {
  const page = createPage()
  const socket = createResilientWebSocket({ environment: page.network.environment })
  const Used = (options: UseResilientWebSocketOptions): ReactNode => {
    const connection = useResilientWebSocket(options)
    return `${connection.status} ${connection.socket === socket} `
  }
  await page.render(
    <>
      <ResilientWebSocketProvider socket={socket}>
        <Used />
        <Used url="ws://other.test" environment={page.network.environment} enabled={false} />
      </ResilientWebSocketProvider>
      <Used socket={socket} />
    </>,
  )
  expect(page.text()).toBe('CONNECTING true CLOSED false CONNECTING true ')
  await page.accept()
  expect(page.text()).toBe('OPEN true CLOSED false OPEN true ')
  await page.render(null)
  await macrotask()
  expect(socket.status).toBe('OPEN')
  socket.close()
})

test('a component that suspends leaves nothing behind and dials once it is there', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const page = createPage()
  const { environment } = page.network
  let ready = false
  let resolve = (): void => {}
  const loaded = new Promise<void>(done => {
    resolve = done
  })
  const Lazy = (): ReactNode => {
    const { status } = useResilientWebSocket({ environment })
    if (!ready) throw loaded
    return status
  }
  await page.render(
    <Suspense fallback="...">
      <Lazy />
    </Suspense>,
  )
  vi.advanceTimersByTime(2000)
  expect(page.text()).toBe('...')
  expect(page.network.sockets).toHaveLength(0)
  expect(page.network.page.listeners()).toBe(0)
  ready = true
  await act(async () => resolve())
  await act(async () => void vi.advanceTimersByTime(2000))
  vi.useRealTimers()
  expect(page.text()).toBe('CONNECTING')
  expect(page.network.sockets).toHaveLength(1)
})

test('what is hidden lets go, and connects again when it is shown', async () => {
  const page = createPage()
  const { environment } = page.network
  const Price = (): ReactNode =>
    String(useSubscription('A', undefined, { environment }).get('A')?.data)
  const shown = (mode: 'visible' | 'hidden'): ReactNode => (
    <Activity mode={mode}>
      <Status environment={environment} />
      <Price />
    </Activity>
  )
  await page.render(shown('visible'))
  await page.accept()
  await page.render(shown('hidden'))
  await act(macrotask)
  expect(page.network.socket().closedByClient?.code).toBe(1000)
  await page.render(shown('visible'))
  await page.accept()
  await page.receive({ type: 't', channel: 'A', data: 7 })
  expect(page.text()).toBe('OPEN7')
  expect(page.network.sockets).toHaveLength(2)
})

test('the older hook knows five statuses', async () => {
  const page = createPage()
  const { environment } = page.network
  page.network.onDial = dialed => queueMicrotask(() => dialed.fail())
  const seen: string[] = []
  const Old = (): ReactNode => {
    const { status, isConnected, reconnect } = useWebSocket({
      environment,
      reconnect: { maxAttempts: 1, jitter: 0 },
    })
    useEffect(() => void seen.push(`${status} ${isConnected}`))
    return <button type="button" onClick={reconnect} />
  }
  await page.render(<Old />)
  await page.advance(5000)
  page.network.onDial = () => {}
  await act(async () => page.element.querySelector('button')?.click())
  await page.accept()
  expect([...new Set(seen)]).toEqual(['CONNECTING false', 'DISCONNECTED false', 'OPEN true'])
})

test('channels may change: the kept ones keep their newest message, and the server hears the difference', async () => {
  const page = createPage()
  const { environment } = page.network
  const heard: unknown[] = []
  const Prices = ({ channels }: { channels: string[] }): ReactNode => {
    const newest = useSubscription([...channels], ({ data }) => heard.push(data), { environment })
    return JSON.stringify([...newest].map(([name, { data }]) => [name, data]))
  }
  await page.render(<Prices channels={['A', 'B']} />)
  await page.accept()
  await page.receive({ type: 't', channel: 'A', data: 1 }, { type: 't', channel: 'B', data: 2 })
  await page.advance(150)
  expect(page.text()).toBe('[["A",1],["B",2]]')
  await page.render(<Prices channels={['B', 'C']} />)
  expect(page.text()).toBe('[["B",2]]')
  await page.render(<Prices channels={[]} />)
  await page.advance(0)
  expect(page.text()).toBe('[]')
  expect(heard).toEqual([1, 2])
  expect(
    page.network
      .socket()
      .messages()
      .map(({ type, data }) => [type, data]),
  ).toEqual([
    ['subscribe', { channels: ['A', 'B'] }],
    ['unsubscribe', { channels: ['A'] }],
    ['subscribe', { channels: ['C'] }],
    ['unsubscribe', { channels: ['B', 'C'] }],
  ])
})

test('a token that changes is told to the server without reconnecting', async () => {
  const page = createPage()
  const { environment } = page.network
  await page.render(<Status environment={environment} token="one" />)
  await page.accept()
  await page.render(<Status environment={environment} token="two" />)
  expect(
    page.network
      .socket()
      .messages()
      .map(({ data }) => data),
  ).toEqual([{ token: 'one' }, { token: 'two' }])
})

test('callbacks that outlive their component do no harm', async () => {
  const page = createPage()
  const { environment } = page.network
  let kept: ReturnType<typeof useResilientWebSocket> | undefined
  const Kept = (): ReactNode => {
    kept = useResilientWebSocket({ environment })
    return null
  }
  await page.render(<Kept />)
  await page.unmount()
  await macrotask()
  kept?.connect()
  kept?.reconnect()
  kept?.disconnect()
  expect(kept?.sendMessage({ type: 'late' })).toMatchObject({ state: 'rejected', reason: 'closed' })
  expect(page.network.sockets).toHaveLength(1)
})

const quote = (channel: string, data: unknown): IncomingEnvelope => ({ type: 'q', channel, data })
const shownOf = (quotes: ReadonlyMap<string, IncomingEnvelope>): string =>
  [...quotes].map(([channel, { data }]) => `${channel}=${data}`).join()

test('a change of the channel list shows what had come inside the window, and keeps what stays', async () => {
  const page = createPage()
  const { environment } = page.network
  const Quotes = ({ channels }: { channels: string[] }): ReactNode =>
    shownOf(useSubscription(channels, undefined, { environment }))
  await page.render(<Quotes channels={['A', 'B']} />)
  await page.accept()
  await page.receive(quote('A', 1))
  await page.receive(quote('B', 5), quote('A', 2))
  expect(page.text()).toBe('A=1')
  await page.render(<Quotes channels={['A', 'C']} />)
  expect(page.text()).toBe('A=2')
  await page.advance(1000)
  expect(page.text()).toBe('A=2')
  await page.receive(quote('C', 7))
  expect(page.text()).toBe('A=2,C=7')
})

test('another identity sees nothing of what the former one has received', async () => {
  const page = createPage()
  const socket = createResilientWebSocket({ environment: page.network.environment })
  socket.setIdentity('alice')
  const Quotes = ({ name }: { name: string }): ReactNode =>
    `${name}:${shownOf(useSubscription('A', undefined, { socket }))} `
  const Page = ({ two, hide }: { two?: boolean; hide?: boolean }): ReactNode => (
    <>
      <Activity mode={hide ? 'hidden' : 'visible'}>
        <Quotes name="one" />
      </Activity>
      {two && <Quotes name="two" />}
    </>
  )
  await page.render(<Page />)
  await page.accept()
  await page.receive(quote('A', 'first'))
  await page.receive(quote('A', 'secret'))
  await act(async () => socket.setIdentity('bob'))
  expect(page.text()).toBe('one: ')
  await page.advance(1000)
  await page.render(<Page two />)
  expect(page.text()).toBe('one: two: ')
  // What stands hidden meanwhile, and comes back after the next message of the next one.
  await page.accept()
  await page.receive(quote('A', 'of bob'))
  await page.render(<Page hide />)
  await act(async () => socket.setIdentity('carol'))
  await page.accept()
  await page.receive({ type: 'news' })
  await page.render(<Page />)
  expect(page.text()).toBe('one: ')
  socket.close()
})

test('who comes later to a quiet channel sees its newest message', async () => {
  const page = createPage()
  const { environment } = page.network
  const Quotes = ({ name }: { name: string }): ReactNode =>
    `${name}:${shownOf(useSubscription(['A', 'B'], undefined, { environment }))} `
  const Page = ({ one, two }: { one?: boolean; two?: boolean }): ReactNode => (
    <>
      {one && <Quotes name="one" />}
      {two && <Quotes name="two" />}
    </>
  )
  await page.render(<Page one />)
  await page.accept()
  await page.receive(quote('A', 5))
  await page.render(<Page one two />)
  expect(page.text()).toBe('one:A=5 two:A=5 ')
  await page.render(<Page two />)
  await page.advance(1000)
  expect(page.text()).toBe('two:A=5 ')
  // Nobody listened: what has come meanwhile is unknown.
  await page.render(<Page />)
  await page.render(<Page one />)
  expect(page.text()).toBe('one: ')
})

test('whoever reads only connectionDuration renders once a second, whatever else changes', async () => {
  const page = createPage()
  const { environment } = page.network
  let commits = 0
  let send = (_n: number): unknown => undefined
  const Duration = (): ReactNode => {
    const { connectionDuration, sendMessage } = useResilientWebSocket({ environment })
    send = data => sendMessage({ type: 'order', data })
    useEffect(() => void commits++)
    return Math.round(connectionDuration / 1000)
  }
  await page.render(<Duration />)
  await page.accept()
  await page.advance(1000)
  commits = 0
  for (let n = 0; n < 200; n++) send(n)
  for (let n = 0; n < 40; n++) await page.advance(50)
  expect(page.text()).toBe('3')
  expect(commits).toBe(2)
})
