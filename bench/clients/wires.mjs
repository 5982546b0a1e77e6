// What the server of each client says, as a script: the same for the scripted socket, the server on loopback and the
// feed of the page in Chromium.
//   greet(say)           what it says once a connection is open
//   answer(frame, say)   what it says to a frame of the client
//   message(number)      the text of the message with this number, from 1 on
//   count(frame)         how many messages of the application a frame of the client holds

/** What every client is sent: a quote, as the companion server publishes it. */
const quoteOf = number => ({
  symbol: 'AAPL',
  price: 227.52,
  change: 1.2,
  changePercent: 0.53,
  volume: 41_000 + (number % 1000),
})

const envelopeOf = (number, more) =>
  JSON.stringify({
    type: 'market_data',
    data: quoteOf(number),
    timestamp: 1_790_000_000_000 + number,
    channel: 'AAPL',
    id: `V1StGXR8Z5jdHi6B${String(number).padStart(8, '0')}`,
    ...more,
  })

/** A server that sends the envelope and says nothing else. */
const bare = () => ({
  greet() {},
  answer() {},
  message: number => envelopeOf(number),
  count: () => 1,
})

/** A server that greets a client of this library, without protocol v1. */
const plain = () => ({
  greet: say => say(JSON.stringify({ type: 'connection', data: {} })),
  answer() {},
  message: number => envelopeOf(number),
  count: frame => (frame.includes('"type":"order"') ? 1 : 0),
})

const SEQ = '"seq":'

/** A server of protocol v1: it knows every session, and acknowledges the last message of each frame. */
const v1 = () => {
  const verdictsOf = channels => {
    const names = Array.isArray(channels) ? channels : Object.keys(channels ?? {})
    const verdict = { epoch: 'e', offset: 0, recovered: true, replayed: 0 }
    return Object.fromEntries(names.map(name => [name, verdict]))
  }
  return {
    greet: say => say(JSON.stringify({ type: 'connection', data: { protocol: 1 } })),
    answer(frame, say) {
      const last = frame.lastIndexOf(SEQ)
      if (last !== -1) {
        const seq = Number.parseInt(frame.slice(last + SEQ.length), 10)
        say(`{"type":"ack","data":{"seq":${seq}}}`)
        return
      }
      for (const { type, id, data } of [JSON.parse(frame)].flat()) {
        if (type === 'hello') {
          const welcome = { tok: 't', ack: 0, channels: verdictsOf(data.channels) }
          say(JSON.stringify({ type: 'welcome', data: { ...welcome, maxInFlight: 256 } }))
        }
        if (type === 'subscribe') {
          const channels = verdictsOf(data.channels)
          say(JSON.stringify({ type: 'subscribed', replyTo: id, data: { channels } }))
        }
        if (type === 'unsubscribe') {
          const { channels } = data
          say(JSON.stringify({ type: 'unsubscribed', replyTo: id, data: { channels } }))
        }
      }
    },
    message: number => envelopeOf(number, { offset: number }),
    count: frame => frame.split('"type":"order"').length - 1,
  }
}

/** Engine.IO 4 below, Socket.IO 5 above. */
const socketIo = () => ({
  greet: say =>
    say(
      `0${JSON.stringify({ sid: 's', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 })}`,
    ),
  answer(frame, say) {
    if (frame.startsWith('40')) say('40{"sid":"s"}')
  },
  message: number => `42["market_data",${envelopeOf(number)}]`,
  count: frame => (frame.startsWith('42') ? 1 : 0),
})

/** Centrifugo's bidirectional JSON protocol: commands and replies, one a line. */
const centrifuge = () => ({
  greet() {},
  answer(frame, say) {
    for (const line of frame.split('\n')) {
      if (!line.includes('"id":')) continue
      const { id, connect, subscribe, unsubscribe } = JSON.parse(line)
      if (connect) say(JSON.stringify({ id, connect: { client: 'c', version: '6', ping: 25 } }))
      if (subscribe) say(JSON.stringify({ id, subscribe: {} }))
      if (unsubscribe) say(JSON.stringify({ id, unsubscribe: {} }))
    }
  },
  message: number => `{"push":{"channel":"AAPL","pub":{"data":${envelopeOf(number)}}}}`,
  count: frame => frame.split('"send":').length - 1,
})

/** By the name of the contender. */
export const WIRES = {
  native: bare,
  'reconnecting-websocket': bare,
  partysocket: bare,
  'socket.io': socketIo,
  centrifuge,
  plain,
  v1,
}
