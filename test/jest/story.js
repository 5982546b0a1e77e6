/** The life of a client, loaded by `require` as Jest does it. */
const { createResilientWebSocket } = require('resilient-websocket')
const { createFakeNetwork } = require('resilient-websocket/testing')
const { useResilientWebSocket } = require('resilient-websocket/react')
const { createElement } = require('react')
const { renderToString } = require('react-dom/server')

exports.story = () => {
  test('a client connects, receives and sends on a fake network', () => {
    const network = createFakeNetwork()
    const socket = createResilientWebSocket({ environment: network.environment })
    const received = []
    socket.on('message', ({ type }) => received.push(type))
    network.socket().open()
    network.socket().receive({ type: 'connection', data: {} })
    network.socket().receive({ type: 'quote', data: { symbol: 'AAPL' } })
    const { id } = socket.send({ type: 'order', data: {} })
    expect(received).toEqual(['quote'])
    expect(network.socket().messages()).toMatchObject([{ type: 'order', id }])
    expect(id).toHaveLength(21)
    socket.close()
  })

  test('a component with the hook renders', () => {
    const Status = () => createElement('p', null, useResilientWebSocket().status)
    expect(renderToString(createElement(Status))).toBe('<p>CONNECTING</p>')
  })

  test('an error made by the other module format is recognised', async () => {
    const { isResilientWebSocketError } = require('resilient-websocket')
    const { execFileSync } = require('node:child_process')
    const code = `
      import { ResilientWebSocketError } from 'resilient-websocket'
      import { createRequire } from 'node:module'
      const { isResilientWebSocketError } = createRequire(import.meta.url)('resilient-websocket')
      console.log(isResilientWebSocketError(new ResilientWebSocketError('LOST', 'Connection lost')))`
    const args = ['--input-type=module', '--eval', code]
    expect(`${execFileSync(process.execPath, args, { cwd: __dirname })}`.trim()).toBe('true')
    expect(isResilientWebSocketError(new Error('Connection lost'))).toBe(false)
  })
}
