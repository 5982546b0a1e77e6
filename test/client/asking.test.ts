/** Functions of the application (`url`, `protocols`, `token`) that hang, are slow, give nothing, or throw. */
import { describe, expect, test } from 'vitest'
import { answerPolls, type Story, start } from './support.ts'

const never = (): Promise<never> => new Promise(() => {})

const later = <T>({ clock }: Pick<Story, 'clock'>, delayMs: number, value: T): Promise<T> =>
  new Promise(resolve => clock.setTimeout(() => resolve(value), delayMs))

/** The tokens that servers heard, in their order. */
const tokensOf = ({ network }: Story): unknown[] =>
  network.sockets.flatMap(socket =>
    socket
      .messages()
      .filter(({ type }) => type === 'auth')
      .map(({ data }) => (data as { token: string }).token),
  )

const authorization = ({ network }: Story): (string | null)[] =>
  network.requests.map(({ headers }) => headers.get('authorization'))

describe('a token function that hangs', () => {
  test('costs its dial, and is asked anew by the next', async () => {
    let asked = 0
    const story = start({ token: () => (++asked === 1 ? never() : 'second') })
    await story.clock.advance(10_000)
    expect(story.socket.status).toBe('RECONNECTING')
    expect(story.network.sockets).toHaveLength(0)
    await story.clock.advance(4000)
    expect(asked).toBe(2)
    story.accept()
    expect(story.socket.status).toBe('OPEN')
    expect(tokensOf(story)).toEqual(['second'])
  })

  test.each(['connect', 'reconnect'] as const)(
    'is asked anew by %s() while a retry waits',
    async method => {
      let asked = 0
      const story = start({ token: () => (++asked === 1 ? never() : 'second') })
      await story.clock.advance(10_000)
      story.socket[method]()
      story.accept()
      expect(tokensOf(story)).toEqual(['second'])
    },
  )

  test('is asked anew by reconnect() in the middle of its dial', () => {
    let asked = 0
    const story = start({ token: () => (++asked === 1 ? never() : 'second') })
    story.socket.reconnect()
    story.accept()
    expect(tokensOf(story)).toEqual(['second'])
  })

  test('costs its poll, and is asked anew by the next', async () => {
    let asked = 0
    const story = start({
      reconnect: { maxAttempts: 0 },
      token: () => (++asked === 1 ? 'refused' : asked === 2 ? never() : 'third'),
    })
    story.network.onRequest = request =>
      request.headers.get('authorization') === 'Bearer refused'
        ? request.answer('', { status: 401 })
        : request.answer({})
    story.refuseAll()
    story.network.socket().fail()
    await story.clock.advance(9000)
    expect(authorization(story)).toEqual(['Bearer refused'])
    await story.clock.advance(10_000)
    expect(authorization(story)).toEqual(['Bearer refused', 'Bearer third'])
    expect(story.errors).toContain('Poll failed: no answer in 10000 ms (token has not answered)')
    expect(story.socket.status).toBe('FALLBACK')
  })

  test('is no obstacle to a token that setToken() brings', async () => {
    const story = start({ token: never })
    story.socket.setToken('brought')
    await story.clock.settle()
    story.accept()
    expect(tokensOf(story)).toEqual(['brought'])
  })

  test('says so', async () => {
    const { clock, errors, socket } = start({ token: never })
    await clock.advance(10_000)
    expect(errors).toEqual(['Connect timeout (token has not answered)'])
    expect(socket.stateHistory.at(-1)?.reason).toBe('Connect timeout')
  })
})

test.each([
  [{ url: never }, 'url'],
  [{ protocols: never }, 'protocols'],
  [{ url: never, token: never }, 'url and token'],
])('a dial that waited for %j in vain says for what', async (options, names) => {
  const { clock, errors } = start(options)
  await clock.advance(10_000)
  expect(errors).toEqual([
    expect.stringMatching(
      `^Connect timeout \\(${names} ${names.includes(' ') ? 'have' : 'has'} not answered\\)$`,
    ),
  ])
})

test('url and protocols that hang once cost one dial', async () => {
  for (const [name, value] of [
    ['url', 'ws://test'],
    ['protocols', 'a'],
  ] as const) {
    let asked = 0
    const { clock, network } = start({ [name]: () => (++asked === 1 ? never() : value) })
    await clock.advance(14_000)
    expect(asked).toBe(2)
    expect(network.sockets.length).toBe(1)
  }
})

describe('a token function that is slow', () => {
  test('connects though each answer takes longer than a dial: a late token is kept', async () => {
    const story: Story = start({ token: () => later(story, 25_000, 'late'), enabled: false })
    story.socket.connect()
    await story.clock.advance(24_000)
    expect(story.network.sockets).toHaveLength(0)
    await story.clock.advance(10_000)
    story.accept()
    expect(tokensOf(story)).toEqual(['late'])
  })

  test('hands a late token to the dial that is under way, at once', async () => {
    let asked = 0
    const story: Story = start({
      token: () => (++asked === 1 ? later(story, 15_000, 'late') : never()),
      enabled: false,
      reconnect: { jitter: 0 },
    })
    story.socket.connect()
    await story.clock.advance(15_000)
    expect(asked).toBe(2)
    story.accept()
    expect(tokensOf(story)).toEqual(['late'])
  })

  test('polls though each answer takes longer than a poll: a late token is kept', async () => {
    let asked = 0
    const story: Story = start({
      reconnect: { maxAttempts: 0 },
      fallback: { probeIntervalMs: 600_000 },
      token: () => (++asked === 1 ? 'refused' : later(story, 12_000, 'late')),
    })
    story.network.onRequest = request =>
      request.headers.get('authorization') === 'Bearer refused'
        ? request.answer('', { status: 401 })
        : request.answer({})
    story.network.socket().fail()
    await story.clock.advance(20_000)
    expect(authorization(story)).toEqual(['Bearer refused', 'Bearer late', 'Bearer late'])
    expect(asked).toBe(2)
  })

  test('is not used with a token that came after it was set, refused, or another user signed in', async () => {
    const acts: ((story: Story) => void)[] = [
      ({ socket }) => socket.setToken('right'),
      ({ socket }) => {
        socket.setIdentity('alice')
        socket.setIdentity('bob')
      },
    ]
    for (const act of acts) {
      let asked = 0
      const story: Story = start({
        token: () => (++asked === 1 ? later(story, 15_000, 'late') : 'right'),
        enabled: false,
        reconnect: { jitter: 0 },
      })
      story.socket.connect()
      await story.clock.advance(11_000)
      act(story)
      await story.clock.advance(10_000)
      story.accept()
      expect(tokensOf(story)).toEqual(['right'])
    }
  })

  test('is not used with an answer older than the token that was refused', async () => {
    let asked = 0
    const story: Story = start({
      token: () => (++asked === 1 ? later(story, 16_000, 'old') : `token${asked}`),
      enabled: false,
      reconnect: { jitter: 0 },
    })
    story.socket.connect()
    await story.clock.advance(12_000)
    story.accept()
    story.network.socket().close(4401)
    await story.clock.advance(8000)
    story.accept()
    expect(tokensOf(story)).toEqual(['token2', 'token3'])
  })
})

describe('a token function that gives nothing', () => {
  test.each([undefined, null, ''])(
    'connects without one, and is asked again by the next dial: %j',
    async nothing => {
      for (const give of [() => nothing, async () => nothing]) {
        let asked = 0
        const story = start({
          token: (() => (++asked === 1 ? give() : 'second')) as () => string,
          reconnect: { jitter: 0 },
        })
        await story.clock.settle()
        story.accept()
        expect(story.socket.status).toBe('OPEN')
        expect(tokensOf(story)).toEqual([])
        story.network.socket().close(1006)
        await story.clock.advance(2000)
        story.accept()
        expect(tokensOf(story)).toEqual(['second'])
      }
    },
  )

  test.each([undefined, null, ''])(
    'polls without one, and is asked again by the next poll: %j',
    async nothing => {
      let asked = 0
      const story = start({
        reconnect: { maxAttempts: 0 },
        token: (() => (++asked > 2 ? 'third' : nothing)) as () => string,
      })
      answerPolls(story.network)
      story.network.socket().fail()
      await story.clock.advance(5000)
      expect(authorization(story)).toEqual([null, 'Bearer third'])
    },
  )

  test('4408 is tried again where there may be a token later, or setToken() has brought one', () => {
    const asked = start({ token: (() => null) as never })
    asked.accept()
    asked.network.socket().close(4408)
    expect(asked.socket.status).toBe('RECONNECTING')
    const brought = start()
    brought.socket.setToken('token')
    brought.accept()
    brought.network.socket().close(4408)
    expect(brought.socket.status).toBe('RECONNECTING')
  })
})

test.each([
  ['a number', 5],
  ['an object', { token: 'x' }],
  ['true', true],
])('a token function that gives %s costs its dial, with words', async (_words, answer) => {
  const { clock, errors, socket, network } = start({ token: (() => answer) as never })
  await clock.settle()
  expect(errors).toEqual([expect.stringMatching(/^token: expected a string, or nothing, got /)])
  expect(socket.status).toBe('RECONNECTING')
  expect(network.sockets).toHaveLength(0)
})

describe('protocols that give nothing', () => {
  test.each([[undefined], [null], [''], [[]], [[undefined]], [[null, '']]])(
    'are no subprotocol: %j',
    async nothing => {
      for (const give of [() => nothing, async () => nothing]) {
        const { clock, network, errors } = start({ protocols: give as never })
        await clock.settle()
        expect(network.socket().protocols).toEqual([])
        expect(errors).toEqual([])
      }
    },
  )

  test.each([[5], [{}], [[5]], [true]])(
    'and what is none costs its dial, with words: %j',
    async answer => {
      const { clock, errors, socket } = start({ protocols: (() => answer) as never })
      await clock.settle()
      expect(errors).toEqual([
        expect.stringMatching(/^protocols: expected a string, an array of them or nothing, got /),
      ])
      expect(socket.status).toBe('RECONNECTING')
    },
  )
})

describe('a url function that gives what is no address', () => {
  test.each([
    [
      'localhost:3001',
      /^url: expected a URL with ws:.*got 'localhost:3001'; write 'ws:\/\/localhost:3001'/,
    ],
    [
      'redis://a.test',
      /^url: expected a URL with ws:, wss:, http: or https:, got 'redis:\/\/a\.test'$/,
    ],
    ['ws://', /^url: expected a whole URL/],
    ['x:1/?token=secret', /^url: .*got 'x:1\/'; [^?]*$/],
    [5, /^url: expected a string or a URL, got number$/],
    [{}, /^url: expected a string or a URL, got object$/],
    ['', /^url: expected a URL, got ''$/],
  ])('costs its dial, with words: %j', async (answer, words) => {
    for (const first of [() => answer, async () => answer]) {
      let asked = 0
      const { clock, errors, network, socket } = start({
        url: (() => (++asked === 1 ? first() : 'wss://right.test')) as () => string,
      })
      await clock.settle()
      expect(errors).toEqual([expect.stringMatching(words)])
      expect(socket.status).toBe('RECONNECTING')
      await clock.advance(4000)
      expect(network.socket().url).toBe('wss://right.test')
    }
  })

  test('a relative one is left to the platform', () => {
    const { network } = start({ url: () => '/ws' })
    expect(network.socket().url).toBe('/ws')
  })
})

describe('a function that throws', () => {
  test.each(['url', 'protocols', 'token'])('costs its dial: %s', async name => {
    let asked = 0
    const answers: Record<string, string> = { url: 'ws://test', protocols: 'a', token: 't' }
    const { clock, network, errors } = start({
      [name]: () => {
        if (++asked === 1) throw new Error(`no ${name}`)
        return answers[name]
      },
    })
    await clock.advance(4000)
    expect(errors).toEqual([`no ${name}`])
    expect(network.sockets).toHaveLength(1)
  })

  test('beside one that rejects leaves no rejection that nobody handles', async () => {
    const rejections: unknown[] = []
    const heard = (reason: unknown): void => void rejections.push(reason)
    process.on('unhandledRejection', heard)
    const fails = (): never => {
      throw new Error('throws')
    }
    const rejects = (): Promise<never> => Promise.reject(new Error('rejects'))
    for (const options of [
      { url: rejects, protocols: fails },
      { url: rejects, token: fails },
      { url: rejects, protocols: rejects, token: rejects },
    ]) {
      const { clock, socket } = start(options)
      await clock.advance(0)
      expect(socket.status).toBe('RECONNECTING')
      socket.close()
      await clock.settle()
    }
    process.off('unhandledRejection', heard)
    expect(rejections).toEqual([])
  })

  test('a late rejection of a dial that is over does not touch the next', async () => {
    let asked = 0
    const rejectLater = (story: Story): Promise<never> =>
      later(story, 13_000, undefined).then(() => {
        throw new Error('late')
      })
    const story: Story = start({
      token: () => (++asked === 1 ? rejectLater(story) : later(story, 4000, 'second')),
      enabled: false,
      reconnect: { jitter: 0 },
    })
    story.socket.connect()
    await story.clock.advance(16_000)
    story.accept()
    expect(story.errors).toEqual([expect.stringContaining('Connect timeout')])
    expect(tokensOf(story)).toEqual(['second'])
  })
})

test('a 401 for an older token waits for the newer one that is being asked for', async () => {
  let asked = 0
  const story: Story = start({
    reconnect: { maxAttempts: 0, stableAfterMs: 1 },
    fallback: { probeIntervalMs: 1000 },
    token: () => (++asked === 1 ? 'old' : later(story, 2000, 'new')),
    enabled: false,
  })
  story.socket.connect()
  story.network.socket().fail()
  await story.clock.settle()
  // The poll is under way with the old token, and a probe hears that it is worth nothing.
  const late = story.network.request()
  story.socket.connect()
  story.network.socket().open()
  story.network.socket().close(4401)
  await story.clock.advance(1000)
  expect(asked).toBe(2)
  late.answer('', { status: 401 })
  await story.clock.settle()
  expect(story.socket.status).toBe('FALLBACK')
  await story.clock.advance(3000)
  expect(authorization(story).at(-1)).toBe('Bearer new')
})
