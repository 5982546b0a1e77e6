import 'resilient-websocket/indicator'
import { type ReactNode, useState } from 'react'
import { useResilientWebSocket, useSubscription } from 'resilient-websocket/react'

interface Props {
  readonly url: string
}

const Header = ({ url }: Props): ReactNode => {
  const { socket } = useResilientWebSocket({ url, onMessage: () => {} })
  return <connection-status client={socket} />
}

const Status = ({ url }: Props): ReactNode => {
  const { status } = useResilientWebSocket({ url })
  return <output>{status}</output>
}

const Price = ({ url }: Props): ReactNode => {
  const quotes = useSubscription('AAPL', undefined, { url })
  return <b>{String(quotes.get('AAPL')?.data)}</b>
}

export const Desk = ({ url }: Props): ReactNode => {
  const [mounts, setMounts] = useState(1)
  return (
    <>
      <h1>First version</h1>
      <button type="button" onClick={() => setMounts(mounts + 1)}>
        Mount anew
      </button>
      <p>{mounts}</p>
      <div key={mounts}>
        <Header url={url} />
        <Status url={url} />
        <Price url={url} />
      </div>
    </>
  )
}
