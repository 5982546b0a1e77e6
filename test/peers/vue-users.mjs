//   vue-users.mjs ws://HOST:PORT/ws
import { element, options, says, tell } from './page.mjs'

const { createApp, defineComponent, h, onMounted, shallowRef, version } = await import('vue')
const { useResilientWebSocket, useSubscription } = await import('resilient-websocket/vue')

const shown = []
const Desk = defineComponent(
  ({ user, token }) => {
    const all = { ...options, token }
    const { lastMessage, sendMessage, socket, status } = useResilientWebSocket(all)
    const notes = useSubscription(`of-${user}`, undefined, all)
    sendMessage({ type: 'order', data: `first of ${user}` })
    onMounted(() => void socket.value.send({ type: 'order', data: `then of ${user}` }))
    return () => {
      shown.push(`${user} ${lastMessage.value?.data}`)
      return `${user} ${status.value} ${notes.value.get(`of-${user}`)?.data}`
    }
  },
  { props: ['user', 'token'] },
)

const props = shallowRef({})
const page = (key, given) => {
  props.value = { key, ...given }
}
page('ann by string', { user: 'ann', token: 'token-of-ann' })
const app = createApp(() => h(Desk, props.value))
app.mount(element)
await says('ann OPEN note of ann')
page('bob by string', { user: 'bob', token: 'token-of-bob' })
await says('bob OPEN note of bob')
for (const user of ['ann', 'bob']) {
  page(`${user} by function`, { user, token: async () => `token-of-${user}` })
  await says(`${user} OPEN note of ${user}`)
}
app.unmount()
tell({ version, shown: [...new Set(shown)].sort() })
