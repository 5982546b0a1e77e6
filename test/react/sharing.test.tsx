// @vitest-environment happy-dom
/** Which components share a client, and which never do. */
import { act, type ReactNode, StrictMode, useEffect, useLayoutEffect } from 'react'
import {
  type Delivery,
  envelope,
  type Protocol,
  type ResilientWebSocket,
} from 'resilient-websocket'
import {
  type UseResilientWebSocketOptions,
  type UseResilientWebSocketResult,
  useResilientWebSocket,
  useSubscription,
} from 'resilient-websocket/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createPage, macrotask, type Page } from './support.tsx'

let page: Page
let environment: NonNullable<UseResilientWebSocketOptions['environment']>
const warn = vi.spyOn(console, 'warn')

beforeEach(() => {
  page = createPage()
  environment = page.network.environment
  warn.mockReset().mockImplementation(() => {})
})
afterEach(() => expect(warn).not.toHaveBeenCalled())

type Options = UseResilientWebSocketOptions & { name?: string }

/** What each rendering showed, by the name of the component. */
const shown: string[] = []
const sockets = new Map<string, ResilientWebSocket>()

const Desk = ({ name = 'desk', ...options }: Options): ReactNode => {
  const { status, lastMessage, socket, sendMessage } = useResilientWebSocket({
    environment,
    ...options,
  })
  shown.push(`${name} ${status} ${lastMessage?.data ?? 'nothing'}`)
  useEffect(() => {
    sockets.set(name, socket as ResilientWebSocket)
    return () => void sockets.delete(name)
  }, [name, socket])
  useEffect(() => void sendMessage({ type: 'order', data: name }), [name, sendMessage])
  return status
}
const Price = (options: Options): ReactNode =>
  String(useSubscription('A', undefined, { environment, ...options }).get('A')?.data)

const dialed = (): number => page.network.sockets.length
const live = (): number => page.network.sockets.filter(each => each.listeners() > 0).length
const said = (index: number, type: string): unknown[] =>
  (page.network.sockets[index]?.messages() ?? [])
    .filter(message => message.type === type)
    .map(({ data }) => data)
const ordersOf = (index: number): unknown[] => said(index, 'order')
const tokensOf = (index: number): unknown[] => said(index, 'auth')

beforeEach(() => {
  shown.length = 0
  sockets.clear()
})

/** Shows one, and then in one commit another one in its place. */
const replace = async (before: ReactNode, after: ReactNode): Promise<void> => {
  await page.render(before)
  await page.accept()
  await page.receive({ type: 'note', data: 'secret' })
  await page.render(after)
  await act(macrotask)
}

const asked = (token: string) => async () => token
const oneForAll = asked('of whoever it is')

test.each<[string, Options, Options]>([
  ['another token', { token: 'ann' }, { token: 'bob' }],
  ['token functions', { token: asked('ann') }, { token: asked('bob') }],
  ['one and the same token function', { token: oneForAll }, { token: oneForAll }],
  ['a token after none', {}, { token: 'bob' }],
  ['a token function after none', {}, { token: asked('bob') }],
  ['no token after one', { token: 'ann' }, {}],
  ['no token after a function', { token: asked('ann') }, {}],
  ['a string after a function', { token: asked('ann') }, { token: 'bob' }],
  ['another identity', { identity: 'ann' }, { identity: 'bob' }],
  ['an identity after none', {}, { identity: 'bob' }],
  ['no identity after one', { identity: 'ann' }, {}],
  ['nobody after somebody', { identity: 'ann' }, { identity: null }],
  [
    'another identity with one token',
    { identity: 'ann', token: 't' },
    { identity: 'bob', token: 't' },
  ],
  ['functions that ask for the url', { url: () => 'ws://a' }, { url: () => 'ws://a' }],
  ['functions that ask for a protocol', { protocols: () => 'a' }, { protocols: () => 'b' }],
])('a changed key, %s: the next user gets a client of its own', async (_name, ann, bob) => {
  await replace(<Desk key="ann" name="ann" {...ann} />, <Desk key="bob" name="bob" {...bob} />)
  await page.accept()
  expect(dialed()).toBe(2)
  expect(live()).toBe(1)
  expect([ordersOf(0), ordersOf(1)]).toEqual([['ann'], ['bob']])
  expect(shown.filter(each => each.startsWith('bob') && each.includes('secret'))).toEqual([])
})

test.each<[string, Options]>([
  ['nothing that names a user', {}],
  ['an equal token', { token: 'ann' }],
  [
    'an equal identity, and functions',
    { identity: 'ann', token: asked('ann'), url: () => 'ws://a' },
  ],
])('a changed key, %s: the client is used again', async (_name, options) => {
  const url = options.url
  await replace(
    <Desk key="one" {...options} {...(url && { url })} />,
    <Desk key="two" {...options} {...(url && { url })} />,
  )
  expect(dialed()).toBe(1)
  expect(live()).toBe(1)
  expect(page.text()).toBe('OPEN')
})

test('an equal identity brings a fresh token with it', async () => {
  await replace(
    <Desk key="one" identity="ann" token="first" />,
    <Desk key="two" identity="ann" token="second" />,
  )
  expect(dialed()).toBe(1)
  expect(tokensOf(0)).toEqual([{ token: 'first' }, { token: 'second' }])
})

test('token functions share while one of those before is still there, in StrictMode, too', async () => {
  const token = asked('ann')
  const panels = (...names: string[]): ReactNode => (
    <StrictMode>
      <Desk name="header" token={token} />
      {names.map(name => (
        <Desk key={name} name={name} token={asked(name)} />
      ))}
      <Price token={asked('ann')} />
    </StrictMode>
  )
  await page.render(panels('one'))
  await page.accept()
  await page.receive({ type: 't', channel: 'A', data: 5 })
  shown.length = 0
  await page.render(panels('one', 'two'))
  await act(macrotask)
  expect(dialed()).toBe(1)
  expect(page.text()).toBe('OPENOPENOPEN5')
  // The one that comes shows at once that it is connected, and then what came last.
  expect(new Set(shown.filter(each => each.startsWith('two')))).toEqual(
    new Set(['two OPEN nothing', 'two OPEN 5']),
  )
  await page.render(panels('two'))
  await page.render(panels())
  await act(macrotask)
  expect([dialed(), live()]).toEqual([1, 1])
})

test('what is sent in the first effect, by the client itself, is never sent as the user before', async () => {
  const deliveries: Delivery[] = []
  const Raw = ({ user }: { user: string }): ReactNode => {
    const { socket } = useResilientWebSocket({ environment, token: asked(user) })
    useEffect(() => {
      socket.subscribe(`of-${user}`)
      deliveries.push(socket.send({ type: 'order', data: user }))
    }, [socket, user])
    return null
  }
  await replace(<Raw key="ann" user="ann" />, <Raw key="bob" user="bob" />)
  await page.accept()
  expect([ordersOf(0), ordersOf(1)]).toEqual([['ann'], ['bob']])
  expect(said(0, 'subscribe')).toEqual([{ channels: ['of-ann'] }])
  expect(deliveries.map(({ state }) => state)).toEqual(['sent', 'sent'])
})

test.each([undefined, null, ''])('a token that is gone (%j) is a log-out', async none => {
  const gone = { token: none } as never as Options
  await page.render(<Desk token="ann" />)
  await page.accept()
  await page.render(<Desk {...gone} />)
  await page.accept()
  await act(macrotask)
  expect([tokensOf(0), tokensOf(1)]).toEqual([[{ token: 'ann' }], []])
  expect([dialed(), live()]).toEqual([2, 1])
})

test('a token counts at mount: the current one shares, another one does not', async () => {
  const three = (first: string, ...others: string[]): ReactNode => (
    <>
      <Desk token={first} />
      {others.map(token => (
        <Desk key={token} token={token} />
      ))}
    </>
  )
  await page.render(three('one'))
  await page.accept()
  await page.render(three('two'))
  expect(tokensOf(0)).toEqual([{ token: 'one' }, { token: 'two' }])
  await page.render(three('two', 'two'))
  expect(dialed()).toBe(1)
  await page.render(three('two', 'two', 'one'))
  expect(dialed()).toBe(2)
  // A new token, and somebody who comes with it in the same commit.
  await page.render(three('three', 'three'))
  await act(macrotask)
  expect([dialed(), live()]).toEqual([2, 1])
  expect(tokensOf(0)).toEqual(['one', 'two', 'three'].map(token => ({ token })))
})

test('a token that comes before anything was dialed is the first one, and later it is another client', async () => {
  await page.render(<Desk enabled={false} />)
  await page.render(<Desk enabled={true} token="ann" />)
  await page.accept()
  expect(dialed()).toBe(1)
  expect([tokensOf(0), ordersOf(0)]).toEqual([[{ token: 'ann' }], ['desk']])
  await page.render(<Desk enabled={true} />)
  await page.accept()
  await page.render(<Desk enabled={true} token="bob" />)
  await page.accept()
  await macrotask()
  expect([0, 1, 2].map(tokensOf)).toEqual([[{ token: 'ann' }], [], [{ token: 'bob' }]])
  expect(live()).toBe(1)
})

test('a new token is tried at once where the old one has ended it', async () => {
  await page.render(<Desk token="old" />)
  await page.accept()
  await act(async () => page.network.socket().close(4401))
  expect(page.text()).toBe('ERROR')
  await page.render(<Desk token="new" />)
  await page.accept()
  expect(page.text()).toBe('OPEN')
  expect(tokensOf(1)).toEqual([{ token: 'new' }])
})

test('with `share: false` and with an identity a changed token is told, too', async () => {
  for (const options of [{ share: false }, { identity: 'ann' }]) {
    await page.render(<Desk key={String(options.share)} {...options} token="one" />)
    await page.accept()
    await page.render(<Desk key={String(options.share)} {...options} token="two" />)
    expect(tokensOf(dialed() - 1)).toEqual([{ token: 'one' }, { token: 'two' }])
  }
  expect(dialed()).toBe(2)
})

test('`setIdentity()` by hand holds for all who are there, and ends with them', async () => {
  const two = (second: boolean): ReactNode => (
    <>
      <Desk name="one" />
      {second && <Desk name="two" />}
    </>
  )
  await page.render(two(false))
  await page.accept()
  await act(async () => sockets.get('one')?.setIdentity('ann'))
  await page.render(two(true))
  await act(macrotask)
  expect(live()).toBe(1)
  const before = dialed()
  await page.render(<Desk key="next" />)
  await act(macrotask)
  expect([dialed(), live()]).toEqual([before + 1, 1])
})

test('a client that was given to another user by hand is not the one that its option names', async () => {
  await page.render(<Desk name="one" identity="ann" />)
  await page.accept()
  await act(async () => sockets.get('one')?.setIdentity('bob'))
  const before = dialed()
  await page.render([
    <Desk key="one" name="one" identity="ann" />,
    <Desk key="two" name="two" identity="ann" />,
  ])
  expect(dialed()).toBe(before + 1)
})

const named = (name: string): Protocol => ({ ...envelope(), name }) as Protocol

test.each<[string, Options, Options, number]>([
  ['none and envelope()', {}, { protocol: envelope() }, 1],
  ['two of envelope()', { protocol: envelope() }, { protocol: envelope() }, 1],
  ['two versions', { protocol: envelope({ version: 0 }) }, { protocol: envelope() }, 2],
  ['two of one name', { protocol: named('x') }, { protocol: named('x') }, 1],
  ['two names', { protocol: named('x') }, { protocol: named('y') }, 2],
])('a protocol counts by value, else by its name: %s', async (_name, one, two, clients) => {
  await page.render([<Desk key="one" {...one} />, <Desk key="two" {...two} />])
  expect(dialed()).toBe(clients)
})

test('when the last user has gone its options count no more', async () => {
  const fast = { batch: { windowMs: 50 } }
  await replace(<Desk key="one" {...fast} />, <Desk key="two" />)
  expect([dialed(), live()]).toEqual([2, 1])
})

test('a page of callers that say more or less is found again as it was', async () => {
  const whole = (key: string): ReactNode => (
    <div key={key}>
      <Desk batch={{ windowMs: 50 }} />
      <Price />
    </div>
  )
  await replace(whole('one'), whole('two'))
  expect([dialed(), live()]).toEqual([1, 1])
})

test('a cyclic option is refused by its name', async () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const complaints: unknown[] = []
  const error = vi.spyOn(console, 'error').mockImplementation(() => {})
  const options = { token: cyclic } as never as Options
  try {
    await page.render(<Desk {...options} />)
  } catch (thrown) {
    complaints.push(String(thrown))
  }
  error.mockRestore()
  expect(complaints).toEqual(['TypeError: token: expected string or function, got an object'])
})

test('a warning about other options names the url without its query', async () => {
  const url = 'ws://a.test/ws?ticket=secret'
  await page.render([
    <Desk key="one" url={url} batch={{ windowMs: 50 }} />,
    <Desk key="two" url={url} batch={{ windowMs: 60 }} />,
  ])
  expect(warn.mock.calls.flat().join()).toMatch(/ws:\/\/a\.test\/ws is shared.*batch/)
  expect(warn.mock.calls.flat().join()).not.toContain('secret')
  warn.mockReset().mockImplementation(() => {})
})

test('a component that becomes another user tells nothing of that to the client before', async () => {
  await page.render(<Desk identity="ann" token="of ann" />)
  await page.accept()
  await page.receive({ type: 'note', data: 'secret' })
  shown.length = 0
  await page.render(<Desk identity="bob" token="of bob" />)
  await page.accept()
  await act(macrotask)
  expect([tokensOf(0), tokensOf(1)]).toEqual([[{ token: 'of ann' }], [{ token: 'of bob' }]])
  expect(shown.join()).not.toContain('secret')
  expect([dialed(), live()]).toEqual([2, 1])
})

test('until the effects of a change of user have run, nothing goes to or comes from the one before', async () => {
  const heard: string[] = []
  const Inbox = ({ user }: { user: string }): ReactNode => {
    const options = { environment, identity: user }
    const { sendMessage } = useResilientWebSocket({
      ...options,
      onMessage: ({ data }) => heard.push(`${user} ${data}`),
    })
    useSubscription('A', ({ data }) => heard.push(`${user} A ${data}`), options)
    useLayoutEffect(() => {
      sendMessage({ type: 'order', data: user })
      // A message of the first one's link that comes just now.
      page.network.sockets[0]?.receive({ type: 'note', channel: 'A', data: 'secret' })
    }, [sendMessage, user])
    return null
  }
  await page.render(<Inbox user="ann" />)
  await page.accept()
  await page.receive({ type: 'note', channel: 'A', data: 'hello' })
  await page.render(<Inbox user="bob" />)
  await page.accept()
  expect([ordersOf(0), ordersOf(1)]).toEqual([['ann'], ['bob']])
  expect(heard).toEqual(['ann hello', 'ann A hello'])
})

test('a handler that goes on after a change of user sends nothing as the next one', async () => {
  const sends: UseResilientWebSocketResult['sendMessage'][] = []
  const Order = ({ user }: { user: string }): ReactNode => {
    const { sendMessage } = useResilientWebSocket({ environment, identity: user })
    sends.push(sendMessage)
    return null
  }
  await page.render(<Order user="ann" />)
  await page.accept()
  const ofAnn = sends.at(-1)
  await page.render(<Order user="bob" />)
  await page.accept()
  await act(macrotask)
  const late = ofAnn?.({ type: 'order', data: 'ann' })
  sends.at(-1)?.({ type: 'order', data: 'bob' })
  expect(late).toMatchObject({ state: 'rejected', reason: 'closed' })
  expect([ordersOf(0), ordersOf(1)]).toEqual([[], ['bob']])
})
