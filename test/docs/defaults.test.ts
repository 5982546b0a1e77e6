import { readFileSync } from 'node:fs'
import { DEFAULTS } from 'resilient-websocket'
import { describe, expect, test } from 'vitest'

const source = readFileSync(new URL('../../src/options/options.ts', import.meta.url), 'utf8')

/** `interface name` -> what it documents, as [option, text after @default]. */
const documented = (name: string): [string, string][] => {
  const body = new RegExp(`export interface ${name}[^{]*{([\\s\\S]*?)\\n}`).exec(source)?.[1] ?? ''
  return [...body.matchAll(/@default ([^\n]*?)\s*(?:\*\/|\n\s*\*\/)\s*\n\s*(\w+)\?:/g)].map(
    ([, value = '', option = '']) => [option, value],
  )
}

const SECTIONS: Record<string, object> = {
  ReconnectOptions: DEFAULTS.reconnect,
  HeartbeatOptions: DEFAULTS.heartbeat,
  FallbackOptions: DEFAULTS.fallback,
  QueueOptions: DEFAULTS.queue,
  BatchOptions: DEFAULTS.batch,
  DedupeOptions: DEFAULTS.dedupe,
  HistoryOptions: DEFAULTS.history,
  ResilientWebSocketOptions: DEFAULTS,
}

const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value}'`
    : typeof value === 'function'
      ? 'message => message.id'
      : String(value)

describe('the documentation of the options says the defaults that are used', () => {
  for (const [name, defaults] of Object.entries(SECTIONS)) {
    test(name, () => {
      const said = documented(name).filter(
        ([, value]) => value !== 'none' && value !== 'envelope()',
      )
      expect(said.length).toBeGreaterThan(0)
      for (const [option, value] of said) {
        expect(`${option}: ${value}`).toBe(
          `${option}: ${show((defaults as Record<string, unknown>)[option])}`,
        )
      }
    })
  }

  test('every default is documented', () => {
    const undocumented = Object.entries(SECTIONS).flatMap(([name, defaults]) => {
      const said = documented(name).map(([option]) => option)
      return Object.entries(defaults)
        .filter(
          ([option, value]) =>
            value !== undefined && typeof value !== 'object' && !said.includes(option),
        )
        .map(([option]) => `${name}.${option}`)
    })
    expect(undocumented).toEqual([])
  })
})
