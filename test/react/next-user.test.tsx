// @vitest-environment happy-dom
/** The next user of a page never acts as the one before; at a real server. */
import { act, type ReactNode, StrictMode, useEffect } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import {
  type UseResilientWebSocketOptions,
  useResilientWebSocket,
  useSubscription,
} from 'resilient-websocket/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type DeskServer, startDeskServer } from '../adapters/desk-server.ts'

let server: DeskServer
let element: HTMLElement
let root: Root
const shown: string[] = []
const errors: string[] = []

beforeEach(async () => {
  globalThis.IS_REACT_ACT_ENVIRONMENT = true
  shown.length = errors.length = 0
  server = await startDeskServer()
  element = document.body.appendChild(document.createElement('main'))
  root = createRoot(element)
})

afterEach(async () => {
  await act(async () => root.unmount())
  element.remove()
  await server.close()
})

const Notes = (options: UseResilientWebSocketOptions & { user: string }): ReactNode => {
  const { user, ...rest } = options
  return String(useSubscription(`of-${user}`, undefined, rest).get(`of-${user}`)?.data)
}

const Desk = ({ user, ...given }: UseResilientWebSocketOptions & { user: string }): ReactNode => {
  const options = { ...server.options, ...given }
  const { lastMessage, sendMessage, socket, status } = useResilientWebSocket({
    ...options,
    onError: ({ code }) => errors.push(`${user} ${code}`),
  })
  shown.push(`${user} ${lastMessage?.data}`)
  // Before anything else of this user, and by the client itself, too.
  useEffect(() => {
    sendMessage({ type: 'order', data: `first of ${user}` })
  }, [sendMessage, user])
  return (
    <>
      <button type="button" onClick={() => socket.send({ type: 'order', data: `more of ${user}` })}>
        {status}
      </button>
      <Notes user={user} {...options} />
    </>
  )
}

const render = (node: ReactNode): Promise<void> => act(async () => root.render(node))
const until = (what: () => void): Promise<void> =>
  vi.waitFor(() => act(async () => what()), { timeout: 5000, interval: 5 })
const orderMore = (): Promise<void> => act(async () => element.querySelector('button')?.click())

const tokens: [string, (user: string) => UseResilientWebSocketOptions][] = [
  ['a token string', user => ({ token: `token-of-${user}` })],
  ['a token function', user => ({ token: async () => `token-of-${user}` })],
  ['an identity', user => ({ identity: user, token: async () => `token-of-${user}` })],
]

test.each(tokens)('a changed key, with %s', async (_name, optionsOf) => {
  const desk = (user: string): ReactNode => (
    <StrictMode>
      <Desk key={user} user={user} {...optionsOf(user)} />
    </StrictMode>
  )
  await render(desk('ann'))
  await until(() => expect(server.orders).toContain('ann: first of ann'))
  await server.tell('ann', 'secret')
  await until(() => expect(element.textContent).toBe('OPENsecret'))

  await render(desk('bob'))
  await orderMore()
  await until(() => expect(server.orders).toContain('bob: more of bob'))
  await server.tell('bob', 'hello')
  await until(() => expect(element.textContent).toBe('OPENhello'))

  expect(server.orders.filter(order => order.startsWith('bob'))).not.toHaveLength(0)
  expect(server.orders.filter(order => /^ann: .* bob|^bob: .* ann/.test(order))).toEqual([])
  expect(shown).not.toContain('bob secret')
  expect(errors).toEqual([])
  expect(server.connections()).toBe(2)
})

test.each(tokens)('the same component with other options, with %s', async (_name, optionsOf) => {
  await render(<Desk user="ann" {...optionsOf('ann')} />)
  await until(() => expect(server.orders).toContain('ann: first of ann'))
  await render(null)
  await render(<Desk user="bob" {...optionsOf('bob')} />)
  await orderMore()
  await until(() => expect(server.orders).toContain('bob: more of bob'))
  expect(server.orders.filter(order => /^ann: .* bob|^bob: .* ann/.test(order))).toEqual([])
})
