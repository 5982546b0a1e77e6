/** The table as an ordinary user of the React hooks writes it. */
import { useLayoutEffect } from 'react'
import { createRoot } from 'react-dom/client'
import type { IncomingEnvelope } from 'resilient-websocket'
import { useResilientWebSocket, useSubscription } from 'resilient-websocket/react'
import { Row } from './row.tsx'
import { count, type Quote, SYMBOLS, tally, url } from './tally.ts'

const Table = () => {
  const quotes = useSubscription<IncomingEnvelope<Quote>>(
    SYMBOLS,
    ({ data }) => count(data as Quote),
    { url },
  )
  useLayoutEffect(() => {
    tally.commits++
  })
  return (
    <table>
      <tbody>
        {SYMBOLS.map(symbol => (
          <Row key={symbol} symbol={symbol} price={quotes.get(symbol)?.data?.price} />
        ))}
      </tbody>
    </table>
  )
}

const Status = () => {
  const { status } = useResilientWebSocket({ url })
  useLayoutEffect(() => {
    tally.statuses.push(status)
  })
  return <p>{status}</p>
}

createRoot(document.querySelector('main') as HTMLElement).render(
  <>
    <Status />
    <Table />
  </>,
)
