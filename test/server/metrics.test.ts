import { expect, test } from 'vitest'
import { renderMetrics } from '../../src/server/metrics.ts'
import { connect, startServer } from './support.ts'

interface Family {
  readonly help: string
  readonly type: string
  readonly samples: Record<string, number>
}

/** Reads the text format as strictly as its specification allows. */
const parse = (text: string): Record<string, Family> => {
  expect(text.endsWith('\n')).toBe(true)
  const families: Record<string, Family> = {}
  let current = ''
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-z_][a-z0-9_]*) ([^\\\n]+)$/.exec(line)
    const type = /^# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)$/.exec(line)
    const sample =
      /^([a-z_][a-z0-9_]*)(\{[a-z_]+="[^"\\\n]*"\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line)
    if (help) {
      current = help[1] as string
      expect(Object.hasOwn(families, current), `${current} is said once`).toBe(false)
      families[current] = { help: help[2] as string, type: '', samples: {} }
    } else if (type) {
      expect(type[1]).toBe(current)
      families[current] = { ...(families[current] as Family), type: type[2] as string }
    } else if (sample) {
      expect(sample[1]).toBe(current)
      const family = families[current] as Family
      expect(family.type).not.toBe('')
      family.samples[sample[2] ?? ''] = Number(sample[3])
    } else expect.fail(`a line that is none of the format: ${line}`)
  }
  return families
}

test('/metrics is Prometheus text that says what happened', async () => {
  const server = await startServer({
    allowMissingOrigin: true,
    rateLimit: { limit: 20, perMs: 1000 },
    onMessage: ({ type }) => {
      if (type === 'bad') throw new Error('no')
    },
  })
  const read = async (): Promise<Record<string, Family>> => {
    const response = await fetch(`${server.http}/metrics`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return parse(await response.text())
  }
  const value = (families: Record<string, Family>, name: string, labels = ''): unknown =>
    families[`resilient_websocket_${name}`]?.samples[labels]

  const { epoch } = await server.publish('A', { type: 'tick' })
  await server.publish('A', { type: 'tick' })
  const [gone, peer] = [await connect(server.url), await connect(server.url)]
  gone.socket.close()
  await expect.poll(() => server.connections()).toBe(1)
  const channels = { A: { epoch, offset: 1 }, B: { epoch: 'another', offset: 3 } }
  peer.send({ type: 'hello', data: { sid: 'a-session-of-this-test', gen: 1, channels } })
  await peer.next('welcome')
  peer.send({ type: 'order', seq: 1 })
  peer.send({ type: 'bad', seq: 2 })
  await peer.next('nack')
  peer.send(Array.from({ length: 40 }, () => ({ type: 'pong', seq: 0 })))
  await peer.next('error')
  const poll = `${server.http}/api/market/snapshot`
  await fetch(poll)
  await fetch(poll, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sid: 'another-session-of-it', gen: 1 }),
  })

  const families = await read()
  for (const [name, { help, type }] of Object.entries(families)) {
    expect(name).toMatch(/^resilient_websocket_/)
    expect(help).toMatch(/\S\.$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
  }
  expect(value(families, 'connections')).toBe(1)
  expect(value(families, 'connections_total')).toBe(2)
  expect(value(families, 'sessions')).toBe(1)
  expect(value(families, 'channels')).toBe(2)
  expect(value(families, 'published_total')).toBe(2)
  expect(value(families, 'messages_received_total')).toBe(43)
  expect(value(families, 'messages_sent_total')).toBeGreaterThanOrEqual(5)
  expect(value(families, 'messages_applied_total')).toBe(1)
  expect(value(families, 'messages_refused_total', '{code="INTERNAL"}')).toBe(1)
  expect(value(families, 'messages_rate_limited_total')).toBeGreaterThanOrEqual(20)
  expect(value(families, 'polls_total')).toBe(1)
  expect(value(families, 'posts_total')).toBe(1)
  expect(value(families, 'messages_replayed_total')).toBe(1)
  expect(value(families, 'gaps_total')).toBe(1)
  expect(value(families, 'slow_consumers_total')).toBe(0)
  expect(value(families, 'draining')).toBe(0)
  const started = value(families, 'process_start_time_seconds') as number
  expect(started).toBeLessThanOrEqual(Date.now() / 1000)
  expect(started).toBeGreaterThan(Date.now() / 1000 - 86_400)

  await server.drain({ afterMs: 0, jitterMs: 0 })
  expect(value(await read(), 'draining')).toBe(1)
})

test('nothing of a label breaks out of its line', () => {
  expect(
    renderMetrics([
      { name: 'x_total', help: 'X.', type: 'counter', label: 'code', values: [['a"\n\\', 1]] },
    ]),
  ).toContain('resilient_websocket_x_total{code="a\\"\\n\\\\"} 1\n')
})
