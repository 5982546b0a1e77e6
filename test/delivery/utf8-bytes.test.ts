import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8Bytes } from '../../src/shared/utf8-bytes.ts'

const encoded = (text: string): number => new TextEncoder().encode(text).length

test.each([
  ['nothing', '', 0],
  ['ASCII', 'AAPL', 4],
  ['two bytes', 'é', 2],
  ['three bytes', '€', 3],
  ['a pair of surrogates', '😀', 4],
  ['a high surrogate at the end', '\ud83d', 3],
  ['a high surrogate before a letter', '\ud83dx', 4],
  ['a low surrogate alone', '\ude00', 3],
  ['two high surrogates before a low one', '\ud83d\ud83d\ude00', 7],
])('%s', (_, text, bytes) => {
  expect(utf8Bytes(text)).toBe(bytes)
  expect(encoded(text)).toBe(bytes)
})

test('any text of any code units has as many bytes as its encoding', () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }))
  const text = units.map(codes => String.fromCharCode(...codes))
  fc.assert(fc.property(text, value => utf8Bytes(value) === encoded(value)))
})
