import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  transition as follow,
  initialState,
  type MachineState,
} from '../../src/connection/machine.ts'
import type { Effect, EventName, StateName } from '../../src/connection/states.ts'
import { FALLBACK_TABLE } from '../../src/http/fallback-table.ts'

const { states: STATES, transitions: TRANSITIONS } = FALLBACK_TABLE

const transition = (state: MachineState, event: EventName) => follow(state, event, FALLBACK_TABLE)

/** All but `closeRequested`, after which nothing happens. */
const EVENTS: readonly EventName[] = [
  'connectRequested',
  'disconnectRequested',
  'reconnectRequested',
  'opened',
  'proved',
  'lost',
  'refused',
  'waited',
  'stabilised',
  'woken',
  'wentOffline',
  'wentOnline',
  'overdue',
  'gaveUp',
  'unsupported',
  'pollRecovered',
  'fallbackMissing',
  'outdated',
]
const NAMES = Object.keys(STATES) as StateName[]

const inState = (name: StateName, more: Partial<MachineState> = {}): MachineState => ({
  ...initialState(5, true),
  name,
  status: STATES[name].status,
  phase: STATES[name].phase,
  attempt: 2,
  ...more,
})

/** `state event -> state: effects`, for every pair that leads somewhere, with attempts left and a fallback. */
const EXPECTED = `
closed connectRequested -> connecting: dial
closed reconnectRequested -> connecting: dial
closed closeRequested -> ended:
failed connectRequested -> connecting: dial
failed reconnectRequested -> connecting: dial
failed disconnectRequested -> closed:
failed closeRequested -> ended:
connecting opened -> greeting:
connecting lost -> waiting: closeLink wait
connecting refused -> failed: closeLink
connecting gaveUp -> failed: closeLink
connecting overdue -> probing: startPolling
connecting unsupported -> polling: closeLink startPolling wait
connecting woken -> connecting: checkDial
connecting outdated -> connecting: closeLink dial
connecting reconnectRequested -> connecting: closeLink dial
connecting disconnectRequested -> closed: closeLink
connecting closeRequested -> ended: closeLink
greeting proved -> ready: announceReady
greeting lost -> waiting: closeLink wait
greeting refused -> failed: closeLink
greeting stabilised -> greeting:
greeting woken -> greeting: checkLink
greeting outdated -> redialing: closeLink dial
greeting reconnectRequested -> redialing: closeLink dial
greeting disconnectRequested -> closed: closeLink
greeting closeRequested -> ended: closeLink
ready lost -> waiting: closeLink wait
ready refused -> failed: closeLink
ready stabilised -> ready:
ready woken -> ready: checkLink
ready outdated -> redialing: closeLink dial
ready reconnectRequested -> redialing: closeLink dial
ready disconnectRequested -> closed: closeLink
ready closeRequested -> ended: closeLink
waiting waited -> redialing: dial
waiting woken -> redialing: dial
waiting wentOffline -> waiting: wait
waiting gaveUp -> failed:
waiting overdue -> polling: startPolling wait
waiting refused -> failed:
waiting connectRequested -> redialing: dial
waiting reconnectRequested -> redialing: dial
waiting disconnectRequested -> closed:
waiting closeRequested -> ended:
redialing opened -> greeting:
redialing lost -> waiting: closeLink wait
redialing refused -> failed: closeLink
redialing gaveUp -> failed: closeLink
redialing overdue -> probing: startPolling
redialing unsupported -> polling: closeLink startPolling wait
redialing woken -> redialing: checkDial
redialing outdated -> redialing: closeLink dial
redialing reconnectRequested -> redialing: closeLink dial
redialing disconnectRequested -> closed: closeLink
redialing closeRequested -> ended: closeLink
polling waited -> probing: dial
polling woken -> probing: dial pollNow
polling pollRecovered -> probing: dial
polling refused -> failed: stopPolling
polling fallbackMissing -> waiting: stopPolling wait
polling connectRequested -> probing: dial pollNow
polling outdated -> polling: wait pollAnew
polling reconnectRequested -> probing: dial pollNow
polling disconnectRequested -> closed: stopPolling
polling closeRequested -> ended: stopPolling
probing opened -> proving:
probing lost -> polling: closeLink wait
probing unsupported -> polling: closeLink wait
probing refused -> failed: closeLink stopPolling
probing woken -> probing: pollNow
probing pollRecovered -> probing: replaceOldDial
probing outdated -> probing: closeLink dial pollAnew
probing fallbackMissing -> redialing: stopPolling
probing reconnectRequested -> probing: closeLink dial pollNow
probing disconnectRequested -> closed: closeLink stopPolling
probing closeRequested -> ended: closeLink stopPolling
proving proved -> ready: stopPolling announceReady
proving lost -> polling: closeLink wait
proving refused -> failed: closeLink stopPolling
proving woken -> proving: pollNow
proving outdated -> probing: closeLink dial pollAnew
proving fallbackMissing -> greeting: stopPolling
proving reconnectRequested -> probing: closeLink dial pollNow
proving disconnectRequested -> closed: closeLink stopPolling
proving closeRequested -> ended: closeLink stopPolling
`
  .trim()
  .split('\n')

describe('every state with every event', () => {
  const expected = new Map(EXPECTED.map(line => line.split(' -> ') as [string, string]))

  test.each(
    NAMES.flatMap(name =>
      [...EVENTS, 'closeRequested' as const].map(event => [name, event] as const),
    ),
  )('%s, %s', (name, event) => {
    const before = inState(name)
    const [after, effects] = transition(before, event)
    const target = expected.get(`${name} ${event}`)
    if (target) expect(`${after.name}: ${effects.join(' ')}`.trimEnd()).toBe(target)
    else {
      expect(after.name).toBe(name)
      expect(effects).toEqual([])
    }
    expect(after.status).toBe(STATES[after.name].status)
  })

  test('the table above names exactly the pairs that the transition table has', () => {
    const rows = NAMES.flatMap(name =>
      Object.keys(TRANSITIONS[name]).map(event => `${name} ${event}`),
    )
    expect([...expected.keys()].sort()).toEqual(rows.sort())
  })
})

describe('rules of the machine', () => {
  test('the attempts are used up before the fallback, and never without one', () => {
    const used = { attempt: 5 }
    expect(transition(inState('redialing', used), 'lost')[0].status).toBe('FALLBACK')
    expect(
      transition(inState('redialing', { ...used, fallback: 'none' }), 'lost')[0],
    ).toMatchObject({
      status: 'RECONNECTING',
      attempt: 6,
    })
  })

  test('a fallback that is missing is tried again when the user asks, the network is back, or a link opened', () => {
    const [missing] = transition(inState('polling', { attempt: 5 }), 'fallbackMissing')
    expect(missing).toMatchObject({ status: 'RECONNECTING', fallback: 'missing' })
    expect(transition({ ...missing, name: 'redialing' }, 'lost')[0].status).toBe('RECONNECTING')
    for (const event of ['reconnectRequested', 'wentOnline', 'opened'] as const) {
      expect(transition(missing, event)[0].fallback).toBe('available')
    }
    expect(transition(missing, 'woken')[0].fallback).toBe('missing')
  })

  test('without WebSocket and without a fallback it is an ERROR', () => {
    expect(transition(inState('connecting', { fallback: 'none' }), 'unsupported')[0].status).toBe(
      'ERROR',
    )
  })

  test('offline shows in the phase while it waits, and any success ends it', () => {
    const [offline] = transition(inState('waiting'), 'wentOffline')
    expect(offline).toMatchObject({ status: 'RECONNECTING', phase: 'offline', online: false })
    const [later] = transition({ ...inState('redialing'), online: false }, 'lost')
    expect(later.phase).toBe('offline')
    expect(transition({ ...inState('redialing'), online: false }, 'opened')[0].online).toBe(true)
  })

  test('attempts are forgotten when the link was stable, not when it opened', () => {
    expect(transition(inState('redialing'), 'opened')[0].attempt).toBe(2)
    expect(transition(inState('ready'), 'stabilised')[0].attempt).toBe(0)
  })
})

/** What a driver would hold after the effects; throws where two effects contradict each other. */
const apply = (held: { link: boolean; polling: boolean }, effects: readonly Effect[]) => {
  const now = { ...held }
  for (const effect of effects) {
    if (effect === 'dial') {
      if (now.link) throw new Error('a second live link')
      now.link = true
    }
    if (effect === 'closeLink') {
      if (!now.link) throw new Error('closed a link that is not there')
      now.link = false
    }
    if (effect === 'startPolling') {
      if (now.polling) throw new Error('polls twice')
      now.polling = true
    }
    if (effect === 'stopPolling') {
      if (!now.polling) throw new Error('stopped polling twice')
      now.polling = false
    }
  }
  return now
}

test('ten thousand random sequences of events: one link at most, no link or poll without a state that owns it, CLOSED always reachable', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...EVENTS), { maxLength: 60 }),
      fc.boolean(),
      fc.nat(3),
      (events, hasFallback, maxAttempts) => {
        let state = initialState(maxAttempts, hasFallback)
        let held = { link: false, polling: false }
        for (const event of events) {
          const [next, effects] = transition(state, event)
          held = apply(held, effects)
          const facts = STATES[next.name]
          expect(held).toEqual({ link: facts.link !== 'none', polling: facts.polls === true })
          expect(next.status).toBe(facts.status)
          // Time is armed on entering a state that waits, and nowhere else.
          expect(effects.includes('wait')).toBe(effects.length > 0 && facts.waits === true)
          if (!hasFallback) expect(next.status).not.toBe('FALLBACK')
          state = next
        }
        for (const [event, name] of [
          ['disconnectRequested', state.name === 'ended' ? 'ended' : 'closed'],
          ['closeRequested', 'ended'],
        ] as const) {
          const [closed, effects] = transition(state, event)
          expect(closed).toMatchObject({ status: 'CLOSED', name })
          expect(apply(held, effects)).toEqual({ link: false, polling: false })
        }
      },
    ),
    { numRuns: 10_000 },
  )
})

test('docs/state-machine.md is what the transition table says', () => {
  const script = fileURLToPath(new URL('../../scripts/diagram.mjs', import.meta.url))
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow()
})
