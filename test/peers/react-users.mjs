//   react-users.mjs ws://HOST:PORT/ws
import { element, options, says, tell } from './page.mjs'

const { createElement: h, StrictMode, useEffect, version } = await import('react')
const { createRoot } = await import('react-dom/client')
const { useResilientWebSocket, useSubscription } = await import('resilient-websocket/react')

const shown = []
const Desk = ({ user, ...given }) => {
  const all = { ...options, ...given }
  const { lastMessage, sendMessage, socket, status } = useResilientWebSocket(all)
  const notes = useSubscription(`of-${user}`, undefined, all)
  shown.push(`${user} ${lastMessage?.data}`)
  useEffect(() => void sendMessage({ type: 'order', data: `first of ${user}` }), [])
  useEffect(() => void socket.send({ type: 'order', data: `then of ${user}` }), [socket])
  return `${user} ${status} ${notes.get(`of-${user}`)?.data}`
}

const root = createRoot(element)
const page = (key, props) => root.render(h(StrictMode, null, h(Desk, { key, ...props })))
for (const user of ['ann', 'bob']) {
  page(`${user} by string`, { user, token: `token-of-${user}` })
  await says(`${user} OPEN note of ${user}`)
}
for (const user of ['ann', 'bob']) {
  page(`${user} by function`, { user, token: async () => `token-of-${user}` })
  await says(`${user} OPEN note of ${user}`)
}
root.unmount()
tell({ version, shown: [...new Set(shown)].sort() })
