import { describe, expect, test } from 'vitest'
import type { CloseDetails, Link, LinkEvents } from '../../src/transport/transport.ts'

/** One way to carry frames, in the hands of the suite. */
export interface TransportUnderTest {
  open(events: LinkEvents): Link
  /** The far end accepts. */
  accept(): Promise<void>
  /** The far end sends one message. */
  send(message: string): Promise<void>
  /** The far end ends it, in the way that is final for this transport. */
  end(): Promise<void>
  /** Handles, timers and listeners that are left. */
  left(): number
}

/** What every transport promises to the connection. */
export const transportContract = (name: string, create: () => TransportUnderTest): void => {
  const start = () => {
    const far = create()
    const heard: string[] = []
    const closes: CloseDetails[] = []
    const transport = far.open({
      opened: () => heard.push('opened'),
      received: payload => heard.push(String(payload)),
      closed(info) {
        heard.push('closed')
        closes.push(info)
      },
      blocked: () => heard.push('blocked'),
    })
    return { far, heard, closes, transport }
  }

  describe(`${name} as a transport`, () => {
    test('says nothing before the far end accepts, then `opened` once', async () => {
      const { far, heard } = start()
      expect(heard).toEqual([])
      await far.accept()
      expect(heard.filter(word => word === 'opened')).toEqual(['opened'])
    })

    test('delivers what comes in its order', async () => {
      const { far, heard } = start()
      await far.accept()
      await far.send('one')
      await far.send('two')
      expect(heard.filter(word => word === 'one' || word === 'two')).toEqual(['one', 'two'])
    })

    test('its end is told once and is the last word', async () => {
      const { far, heard, closes } = start()
      await far.accept()
      await far.end()
      await far.end()
      expect(closes).toHaveLength(1)
      expect(heard.at(-1)).toBe('closed')
      expect(closes[0]).toMatchObject({ code: expect.any(Number), reason: expect.any(String) })
    })

    test('after close() nothing more is heard and nothing is left, also while it was opening', async () => {
      for (const opened of [true, false]) {
        const { far, heard, transport } = start()
        if (opened) await far.accept()
        const before = heard.length
        transport.close(1000, 'over')
        transport.close(1000, 'over')
        await far.send('late')
        await far.end()
        expect(heard).toHaveLength(before)
        expect(far.left()).toBe(0)
      }
    })

    test('throws for a frame that certainly does not leave', () => {
      const { transport } = start()
      expect(() => transport.send('early')).toThrow()
      expect(transport.bufferedBytes()).toBe(0)
    })
  })
}
