import { describe, expect, test } from 'vitest'
import { fallbackUrl, type PollQuery, pollUrl } from '../../src/http/poll-url.ts'

const POSITIONS: Readonly<Record<string, string>> = { A: 'A:e:1', C: 'C:e:3', 'ä&b': 'ä&b:e:7' }

const query = (given: Partial<PollQuery>): PollQuery => ({
  base: '/poll',
  channels: [],
  first: 0,
  maxLength: 4000,
  positionOf: () => undefined,
  ...given,
})

const ABC = { channels: ['A', 'B', 'C'] }
const positioned = { positionOf: (channel: string) => POSITIONS[channel] }

describe('the URL of a poll', () => {
  test.each<[string, Partial<PollQuery>, string, number]>([
    ['names no channel where there is none', {}, '/poll', 0],
    ['names every channel', ABC, '/poll?symbols=A,B,C', 3],
    ['goes behind a query of its own', { ...ABC, base: '/poll?x=1' }, '/poll?x=1&symbols=A,B,C', 3],
    [
      'names the positions that the client has',
      { ...ABC, ...positioned },
      '/poll?symbols=A,B,C&since=A%3Ae%3A1,C%3Ae%3A3',
      3,
    ],
    [
      'encodes channels and positions, but not the commas between them',
      { channels: ['ä&b', 'c,d'], ...positioned },
      '/poll?symbols=%C3%A4%26b,c%2Cd&since=%C3%A4%26b%3Ae%3A7',
      2,
    ],
    ['begins with the channel it is told', { ...ABC, first: 1 }, '/poll?symbols=B,C', 3],
    ['begins anew past the last channel', { ...ABC, first: 3 }, '/poll?symbols=A,B,C', 3],
    ['begins anew where channels are gone', { ...ABC, first: 9 }, '/poll?symbols=A,B,C', 3],
    ['stops at the longest query', { ...ABC, maxLength: 2 }, '/poll?symbols=A,B', 2],
    ['names one channel at the least', { ...ABC, maxLength: 1, first: 2 }, '/poll?symbols=C', 3],
    [
      'counts positions as they are encoded',
      { ...ABC, ...positioned, maxLength: 10 },
      '/poll?symbols=A&since=A%3Ae%3A1',
      1,
    ],
  ])('%s', (_what, given, url, next) => {
    expect(pollUrl(query(given))).toEqual({ url, next })
  })

  test('polls in a row name every channel once', () => {
    const channels = Array.from({ length: 100 }, (_, index) => `channel-${index}`)
    const named: string[] = []
    let first = 0
    do {
      const poll = pollUrl(query({ channels, first, maxLength: 64 }))
      named.push(...(new URL(poll.url, 'http://x').searchParams.get('symbols') ?? '').split(','))
      first = poll.next
    } while (first < channels.length)
    expect(named).toEqual(channels)
  })
})

describe('the URL of the fallback', () => {
  const socket = 'wss://example.com/ws?x=1'
  test.each<[string, string, string | URL | undefined, boolean, string | undefined]>([
    ['is left to the page that knows its own address', '/poll', socket, true, '/poll'],
    ['is relative to the WebSocket elsewhere', '/poll', socket, false, 'https://example.com/poll'],
    [
      'is relative to a URL object, too',
      'poll',
      new URL('ws://example.com:81/a/ws'),
      false,
      'http://example.com:81/a/poll',
    ],
    ['may be whole', 'https://other.test/poll', socket, false, 'https://other.test/poll'],
    [
      'may be whole while no WebSocket was dialed',
      'https://other.test/poll',
      undefined,
      false,
      'https://other.test/poll',
    ],
    ['is unknown where there is nothing to complete it with', '/poll', undefined, false, undefined],
  ])('%s', (_what, url, base, hasLocation, expected) => {
    expect(fallbackUrl({ url, base, hasLocation })).toBe(expected)
  })
})
