// How an application uses each client: connect, listen, send objects. The clients that hand over text are given
// `JSON.parse` and `JSON.stringify`, which an application would add. Runs in Node and in a page.
//
// `connect({ url, WebSocket, onMessage, onOpen })` returns at once:
//   send(data)        sends one message of the application
//   close()           ends the client
//   client            the library's own object

const message = data => ({ type: 'order', data })

/** The bare socket: nobody dials again for it. */
const native = () => {
  const connect = ({ url, WebSocket, onMessage, onOpen }) => {
    const socket = new WebSocket(url)
    socket.onopen = onOpen
    socket.onmessage = ({ data }) => onMessage(JSON.parse(data))
    return {
      client: socket,
      send: data => socket.send(JSON.stringify(message(data))),
      close: () => socket.close(),
    }
  }
  return { connect }
}

/** As above, dialled again by hand after a second: what an application begins with. */
const byHand = () => {
  const connect = ({ url, WebSocket, onMessage, onOpen }) => {
    let socket
    const dial = () => {
      socket = new WebSocket(url)
      socket.onopen = onOpen
      socket.onmessage = ({ data }) => onMessage(JSON.parse(data))
      socket.onclose = () => setTimeout(dial, 1000)
    }
    dial()
    return {
      send: data => socket.send(JSON.stringify(message(data))),
      close() {
        socket.onclose = null
        socket.close()
      },
    }
  }
  return { connect }
}

const reconnecting =
  (load, optionsOf = () => ({})) =>
  async () => {
    const Reconnecting = await load()
    const connect = ({ url, WebSocket, onMessage, onOpen }) => {
      const socket = new Reconnecting(url, undefined, { WebSocket, ...optionsOf() })
      socket.addEventListener('open', onOpen)
      socket.addEventListener('message', ({ data }) => onMessage(JSON.parse(data)))
      return {
        client: socket,
        send: data => socket.send(JSON.stringify(message(data))),
        close: () => socket.close(),
      }
    }
    return { connect }
  }

/**
 * Its WebSocket is the global one as it was when the library was loaded: `globalThis.WebSocket` is to be set before.
 * `forceNew`: a connection of its own for each client, as the others have it.
 */
const socketIo = async () => {
  const { io, WebSocket: transport } = await import('socket.io-client')
  const connect = ({ url, onMessage, onOpen }) => {
    // A path would be a namespace to it.
    const { host } = new URL(url)
    const socket = io(`http://${host}`, { transports: [transport], forceNew: true })
    socket.on('connect', onOpen)
    socket.on('market_data', onMessage)
    return {
      client: socket,
      send: data => socket.emit('order', message(data)),
      close: () => socket.close(),
    }
  }
  return { connect }
}

const centrifuge = async () => {
  const { Centrifuge } = await import('centrifuge')
  const connect = ({ url, WebSocket, onMessage, onOpen }) => {
    const client = new Centrifuge(url, { websocket: WebSocket })
    const subscription = client.newSubscription('AAPL')
    subscription.on('publication', ({ data }) => onMessage(data))
    subscription.on('subscribed', onOpen)
    subscription.subscribe()
    client.connect()
    return {
      client,
      // It rejects where the client is closed; nobody waits for it here.
      send: data => void client.send(message(data)).catch(() => {}),
      close: () => client.disconnect(),
    }
  }
  return { connect }
}

const LIFTED = { ratePerSecond: 1e9, limit: 1e9, maxBytes: 1e12 }

const ours = async () => {
  const { createResilientWebSocket } = await import('resilient-websocket')
  const connect = ({ url, WebSocket, onMessage, onOpen }) => {
    const client = createResilientWebSocket({ url, queue: LIFTED, environment: { WebSocket } })
    client.on('message', onMessage)
    client.on('batch', () => {})
    client.on('status', ({ to }) => {
      if (to === 'OPEN') onOpen()
    })
    client.subscribe('AAPL')
    return { client, send: data => client.send(message(data)), close: () => client.close() }
  }
  return { connect }
}

/** reconnecting-websocket draws its shortest delay once a page, so that here each client gets a draw of its own. */
const drawn = () => ({ minReconnectionDelay: 1000 + Math.random() * 4000 })

const LOAD = {
  native,
  'by hand': byHand,
  'reconnecting-websocket': reconnecting(
    async () => (await import('reconnecting-websocket')).default,
    drawn,
  ),
  partysocket: reconnecting(async () => (await import('partysocket/ws')).default),
  'socket.io': socketIo,
  centrifuge,
  plain: ours,
  v1: ours,
}

/** The client with this name, loaded. */
export const loadContender = async name => LOAD[name]()
