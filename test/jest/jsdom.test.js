/** @jest-environment jsdom */
const { story } = require('./story.js')

story()

test('what is loaded asks Node for nothing', () => {
  const { readFileSync } = require('node:fs')
  const file = require.resolve('resilient-websocket').replace('index.cjs', 'client.cjs')
  const names = [...readFileSync(file, 'utf8').matchAll(/require\(['"]([^'"]+)/g)]
  expect(names.map(([, name]) => name)).toEqual(['mitt'])
})

test('<connection-status> is registered', () => {
  require('resilient-websocket/indicator')
  expect(customElements.get('connection-status')).toBeDefined()
})
