import { describe, expect, test } from 'vitest'
import { createServer } from '../../src/server/index.ts'
import { normalOrigin } from '../../src/server/origin.ts'
import { connect, startServer } from './support.ts'

describe('an origin of a page, of an app or of an extension', () => {
  test.each([
    ['https://Example.com', 'https://example.com'],
    [' http://localhost:3000/ ', 'http://localhost:3000'],
    ['https://example.com:443', 'https://example.com'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['Tauri://LocalHost', 'tauri://localhost'],
    ['tauri://localhost:1420', 'tauri://localhost:1420'],
    ['chrome-extension://abcdefghijklmnop', 'chrome-extension://abcdefghijklmnop'],
    ['ionic://localhost/', 'ionic://localhost'],
  ])('%s is %s', (given, normal) => {
    expect(normalOrigin(given)).toBe(normal)
  })

  test.each([
    'null',
    '*',
    'https://*',
    'https://*.example.com',
    'capacitor://*',
    'example.com',
    'localhost:3000',
    'https://example.com/app',
    'capacitor://localhost/app',
    'https://example.com?x',
    'https://example.com#x',
    'https://user@example.com',
    'file:///home',
    'data:text/html,x',
    'javascript:alert(1)',
    '',
    7,
  ])('%s is none', given => {
    expect(() => createServer({ allowedOrigins: [given as string] })).toThrow(TypeError)
    expect(() => createServer({ allowedOrigins: [given as string] })).toThrow(
      /^allowedOrigins: expected origins such as .*, got /,
    )
  })

  test('an app on the list may connect', async () => {
    const { url } = await startServer({ allowedOrigins: ['capacitor://localhost'] })
    await (await connect(url, { origin: 'capacitor://localhost' })).next('connection')
  })
})
