// The rows of a table: who is measured, and under which name.

export const NATIVE = { name: 'native', label: 'bare WebSocket' }
export const BY_HAND = { name: 'by hand', label: 'WebSocket dialled by hand' }

const OTHERS = ['reconnecting-websocket', 'partysocket', 'socket.io', 'centrifuge']

/** The clients of others, without the bare socket. */
export const OTHER_CLIENTS = OTHERS.map(name => ({
  name,
  label: name === 'socket.io' ? 'socket.io-client' : name,
}))

export const OURS = [
  { name: 'plain', label: '**resilient-websocket** (plain)', isOurs: true },
  { name: 'v1', label: '**resilient-websocket** (v1)', isOurs: true },
]

/** The first row of a table is what the others are compared with. */
export const CLIENTS = [NATIVE, ...OTHER_CLIENTS, ...OURS]
