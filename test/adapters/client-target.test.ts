import { envelope, raw } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'
import {
  type AnyChoice,
  differences,
  fits,
  isCertain,
  targetOf,
} from '../../src/adapters/client-target.ts'

const DEFAULT_URL = 'ws://localhost:3001/ws'
const target = (options: AnyChoice) => targetOf(options, DEFAULT_URL)

/** A client made from these options, whose user nobody has changed since. */
const made = (options: AnyChoice) => ({
  target: target(options),
  identity: options.identity,
  token: typeof options.token === 'string' ? options.token : undefined,
})
const fitsOptions = (options: AnyChoice, caller: AnyChoice): boolean =>
  fits(made(options), target(caller), caller.token)

describe('two callers mean the same client', () => {
  test.each<[what: string, first: AnyChoice, second: AnyChoice, same: boolean]>([
    ['without options', {}, {}, true],
    ['where one names the default url', {}, { url: DEFAULT_URL }, true],
    ['with a URL object of the same address', { url: 'ws://a/' }, { url: new URL('ws://a') }, true],
    ['with another url', {}, { url: 'ws://other/ws' }, false],
    ['with another function as url', { url: () => 'ws://a' }, { url: () => 'ws://a' }, false],
    ['with one subprotocol, in a list or not', { protocols: 'a' }, { protocols: ['a'] }, true],
    ['with another subprotocol', { protocols: 'a' }, { protocols: 'b' }, false],
    ['with the default protocol, named or not', {}, { protocol: envelope() }, true],
    ['with another protocol', {}, { protocol: raw() as never }, false],
    ['with another environment', { environment: {} }, { environment: {} }, false],
    [
      'with one identity and other tokens',
      { identity: 'a', token: '1' },
      { identity: 'a', token: '2' },
      true,
    ],
    ['with another identity', { identity: 'a' }, { identity: 'b' }, false],
    ['where one names no identity', { identity: 'a' }, {}, false],
    ['with one token string', { token: '1' }, { token: '1' }, true],
    ['with another token string', { token: '1' }, { token: '2' }, false],
    ['where one has no token', { token: '1' }, {}, false],
    ['with token functions', { token: () => '1' }, { token: () => '2' }, true],
    [
      'with an identity, a token function and a string',
      { identity: 'a', token: () => '1' },
      { identity: 'a', token: '1' },
      true,
    ],
    [
      'with an identity, a string and a token function',
      { identity: 'a', token: '1' },
      { identity: 'a', token: () => '1' },
      false,
    ],
    ['with other queues', { queue: { limit: 1 } }, { queue: { limit: 2 } }, true],
  ])('%s', (_what, first, second, same) => {
    expect(fitsOptions(first, second)).toBe(same)
  })

  test('not once setIdentity() has named another user than the options', () => {
    const client = { ...made({ identity: 'a' }), identity: 'b' }
    expect(fits(client, target({ identity: 'a' }), undefined)).toBe(false)
  })
})

describe("it is certain that a client is no other user's", () => {
  test.each<[options: AnyChoice, certain: boolean]>([
    [{}, true],
    [{ token: '1' }, true],
    [{ token: () => '1' }, false],
    [{ url: () => 'ws://a' }, false],
    [{ protocols: () => 'a' }, false],
    [{ identity: 'a', token: () => '1' }, true],
    [{ identity: null, url: () => 'ws://a' }, true],
  ])('%j', (options, certain) => {
    expect(isCertain(made(options), target(options))).toBe(certain)
  })

  test('not where setIdentity() was called and no option names the user', () => {
    expect(isCertain({ ...made({}), identity: 'a' }, target({}))).toBe(false)
  })
})

test('a rendering means another client by these options, and by no function or environment written inline', () => {
  const before = target({ url: () => 'ws://a', token: () => '1', environment: {} })
  expect(
    differences(before, target({ url: () => 'ws://b', token: () => '2', environment: {} })),
  ).toEqual([])
  expect(differences(before, target({ identity: 'a' }))).toEqual(['url', 'identity', 'token'])
  expect(differences(target({}), target({ protocol: raw() as never }))).toEqual(['protocol'])
  expect(differences(target({}), target({ share: false }))).toEqual(['shared'])
  expect(differences(target({}), target({ socket: undefined }))).toEqual(['none'])
})
