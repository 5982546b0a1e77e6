/** The table as an ordinary user of the Vue composables writes it. */
import type { IncomingEnvelope } from 'resilient-websocket'
import { useResilientWebSocket, useSubscription } from 'resilient-websocket/vue'
import { createApp, defineComponent, h, onMounted, onUpdated } from 'vue'
import { count, type Quote, SYMBOLS, tally, url } from './tally.ts'

const Row = defineComponent({
  props: ['symbol', 'price'],
  setup: props => () =>
    h('tr', [h('td', props.symbol), h('td', { id: props.symbol }, props.price)]),
})

const Table = defineComponent(() => {
  const quotes = useSubscription<IncomingEnvelope<Quote>>(
    SYMBOLS,
    ({ data }) => count(data as Quote),
    { url },
  )
  onMounted(() => tally.commits++)
  onUpdated(() => tally.commits++)
  return () =>
    h(
      'table',
      SYMBOLS.map(symbol =>
        h(Row, { key: symbol, symbol, price: quotes.value.get(symbol)?.data?.price }),
      ),
    )
})

const Status = defineComponent(() => {
  const { status } = useResilientWebSocket({ url })
  onMounted(() => tally.statuses.push(status.value))
  onUpdated(() => tally.statuses.push(status.value))
  return () => h('p', status.value)
})

createApp({ render: () => [h(Status), h(Table)] }).mount('main')
