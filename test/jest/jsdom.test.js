/** @jest-environment jsdom */
const { story } = require('./story.js')

story()

test('the build for browsers is the one that is loaded', () => {
  expect(require.resolve('resilient-websocket')).toMatch(/index\.browser\.cjs$/)
})

test('<connection-status> is registered', () => {
  require('resilient-websocket/indicator')
  expect(customElements.get('connection-status')).toBeDefined()
})
