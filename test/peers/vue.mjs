//   vue.mjs ws://HOST:PORT/ws
import { element, options, shows, tell } from './page.mjs'

const { createApp, createSSRApp, defineComponent, h, nextTick, ref, version } = await import('vue')
const { renderToString } = await import('vue/server-renderer')
const { useResilientWebSocket, useSubscription, useWebSocket } = await import(
  'resilient-websocket/vue'
)

const Price = defineComponent(() => {
  const quotes = useSubscription('AAPL', undefined, options)
  return () => String(quotes.value.get('AAPL')?.data)
})
let renders = 0
const Status = defineComponent(() => {
  const { status } = useResilientWebSocket(options)
  return () => {
    renders++
    return status.value
  }
})
const Older = defineComponent(() => {
  const { status } = useWebSocket(options)
  return () => status.value
})
const key = ref(0)
const Page = defineComponent(
  () => () => h('p', { key: key.value }, [h(Status), ' ', h(Older), ' ', h(Price)]),
)

const rendered = await renderToString(createSSRApp(Page))
const app = createApp(Page)
app.mount(element)
await shows(20)
const before = renders
await shows(40)
const more = renders - before
key.value++
await nextTick()
await shows(60)
app.unmount()
tell({ version, rendered, more })
