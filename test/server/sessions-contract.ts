import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/server/index.ts'

/** What every store of sessions keeps. `create` makes an empty one; `advance` lets its time pass. */
export const sessionsContract = (
  name: string,
  create: () => Promise<{
    readonly sessions: SessionStore
    advance(ms: number): Promise<void>
  }>,
): void => {
  const KEY = JSON.stringify(['ann', 'a-session'])
  const ttlMs = 60_000

  describe(`${name} as a store of sessions`, () => {
    test('the first contact makes an incarnation with a secret name and nothing applied', async () => {
      const { sessions } = await create()
      const first = await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })
      expect(first).toEqual({
        tok: expect.stringMatching(/^[\w-]{22}$/),
        gen: 1,
        last: 0,
        refused: [],
      })
      const other = await sessions.contact('another', { tok: undefined, gen: 1, ttlMs })
      expect(other?.tok).not.toBe(first?.tok)
    })

    test('who knows the tok comes back to what was applied', async () => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      expect(await sessions.begin(KEY, tok, 1)).toBe(0)
      expect(await sessions.advance(KEY, tok, 1)).toBe(true)
      expect(await sessions.contact(KEY, { tok, gen: 2, ttlMs })).toEqual({
        tok,
        gen: 2,
        last: 1,
        refused: [],
      })
      expect(await sessions.contact(KEY, { tok, gen: 2, ttlMs })).toMatchObject({ tok, gen: 2 })
    })

    test('a contact that presents the tok with an older gen is stale', async () => {
      const { sessions } = await create()
      const { tok } = (await sessions.contact(KEY, { tok: undefined, gen: 5, ttlMs })) ?? {}
      expect(await sessions.contact(KEY, { tok, gen: 4, ttlMs })).toBeUndefined()
      expect(await sessions.contact(KEY, { tok, gen: 5, ttlMs })).toMatchObject({ tok })
    })

    test('a contact without the current tok gets an incarnation beside the one that is kept', async () => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      await sessions.advance(KEY, tok, 1, { seq: 1, code: 'FORBIDDEN', message: 'no' })
      for (const [index, wrong] of [
        undefined,
        '',
        'wrong',
        `${tok}x`,
        'x'.repeat(5000),
      ].entries()) {
        const other = await sessions.contact(KEY, { tok: wrong, gen: 2 + index, ttlMs })
        expect(other).toMatchObject({ gen: 2 + index, last: 0, refused: [] })
        expect(other?.tok).not.toBe(tok)
      }
      expect(await sessions.begin(KEY, tok, 2)).toBe(1)
      expect(await sessions.advance(KEY, tok, 2)).toBe(true)
      expect(await sessions.contact(KEY, { tok, gen: 2, ttlMs })).toMatchObject({
        tok,
        last: 2,
        refused: [{ seq: 1 }],
      })
    })

    test.each([
      ['lower', 1],
      ['the same', 5],
      ['as high as numbers go', Number.MAX_SAFE_INTEGER],
    ])('a gen that is %s without the tok changes nothing for the owner', async (_, gen) => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 5, ttlMs })) ?? {}
      await sessions.contact(KEY, { tok, gen: 5, ttlMs })
      for (const wrong of [undefined, 'wrong']) {
        const other = await sessions.contact(KEY, { tok: wrong, gen, ttlMs })
        expect(other?.tok).not.toBe(tok)
        expect(other).toMatchObject({ gen, last: 0 })
      }
      expect(await sessions.contact(KEY, { tok, gen: 6, ttlMs })).toMatchObject({ tok, gen: 6 })
    })

    test('each incarnation goes on by its own tok, with its own places', async () => {
      const { sessions } = await create()
      const first = await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })
      const second = await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })
      expect(second?.tok).not.toBe(first?.tok)
      for (const { tok = '' } of [first ?? {}, second ?? {}]) {
        expect(await sessions.begin(KEY, tok, 1)).toBe(0)
        expect(await sessions.advance(KEY, tok, 1)).toBe(true)
        expect(await sessions.contact(KEY, { tok, gen: 2, ttlMs })).toMatchObject({ tok, last: 1 })
      }
    })

    test('a tok counts for its own user and sid alone', async () => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      const other = await sessions.contact('another', { tok, gen: 2, ttlMs })
      expect(other?.tok).not.toBe(tok)
      expect(await sessions.begin('another', tok, 1)).toBeUndefined()
      expect(await sessions.advance('another', tok, 1)).toBe(false)
    })

    test('any number of contacts without the tok pushes out no incarnation that was presented again', async () => {
      const { sessions } = await create()
      const owner = await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })
      await sessions.contact(KEY, { tok: owner?.tok, gen: 2, ttlMs })
      const invented: string[] = []
      for (let gen = 1; gen <= 50; gen++) {
        const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen, ttlMs })) ?? {}
        invented.push(tok)
      }
      const kept: string[] = []
      for (const tok of invented) {
        if ((await sessions.begin(KEY, tok, 9)) !== undefined) kept.push(tok)
      }
      expect(kept).toHaveLength(7)
      expect(kept).toContain(invented.at(-1))
      expect(await sessions.begin(KEY, owner?.tok ?? '', 9)).toBe(0)
    })

    test('where all were presented again the oldest stays, and the newest is kept', async () => {
      const { sessions } = await create()
      const toks: string[] = []
      for (let gen = 1; gen <= 50; gen++) {
        const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen, ttlMs })) ?? {}
        expect(await sessions.contact(KEY, { tok, gen, ttlMs })).toMatchObject({ tok })
        toks.push(tok)
      }
      expect(await sessions.begin(KEY, toks[0] ?? '', 9)).toBe(0)
      expect(await sessions.begin(KEY, toks.at(-1) ?? '', 9)).toBe(0)
      const kept: unknown[] = []
      for (const tok of toks) kept.push(await sessions.begin(KEY, tok, 9))
      expect(kept.filter(last => last !== undefined)).toHaveLength(8)
    })

    test('places are used up one after the other, each once, by the incarnation alone', async () => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      expect(await sessions.advance(KEY, tok, 2)).toBe(false)
      expect(await sessions.advance(KEY, tok, 1)).toBe(true)
      expect(await sessions.advance(KEY, tok, 1)).toBe(false)
      expect(await sessions.advance(KEY, 'wrong', 2)).toBe(false)
      expect(await sessions.begin(KEY, 'wrong', 2)).toBeUndefined()
      expect(await sessions.begin('unknown', tok, 1)).toBeUndefined()
      for (let seq = 2; seq <= 12; seq++) {
        expect(await sessions.begin(KEY, tok, seq)).toBe(seq - 1)
        expect(await sessions.advance(KEY, tok, seq)).toBe(true)
      }
      expect(await sessions.begin(KEY, tok, 5)).toBe(12)
      expect(await sessions.begin(KEY, tok, 99)).toBe(12)
    })

    test('the newest 256 refusals are remembered, in their order', async () => {
      const { sessions } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      for (let seq = 1; seq <= 260; seq++) {
        await sessions.advance(KEY, tok, seq, { seq, code: 'INTERNAL', message: `no "${seq}"` })
      }
      const { refused = [] } = (await sessions.contact(KEY, { tok, gen: 2, ttlMs })) ?? {}
      expect(refused.map(({ seq }) => seq)).toEqual(Array.from({ length: 256 }, (_, at) => at + 5))
      expect(refused[0]).toEqual({ seq: 5, code: 'INTERNAL', message: 'no "5"' })
    })

    test('a session ends its time after the last sign of life', async () => {
      const { sessions, advance } = await create()
      const { tok = '' } = (await sessions.contact(KEY, { tok: undefined, gen: 1, ttlMs })) ?? {}
      await sessions.advance(KEY, tok, 1, { seq: 1, code: 'FORBIDDEN', message: 'no' })
      await advance(ttlMs / 2)
      await sessions.touch(KEY, tok, ttlMs)
      await advance(ttlMs * 0.75)
      expect(await sessions.contact(KEY, { tok, gen: 2, ttlMs })).toMatchObject({ tok, last: 1 })
      await advance(ttlMs / 2)
      await sessions.touch(KEY, 'wrong', ttlMs)
      await advance(ttlMs * 0.75)
      expect(await sessions.begin(KEY, tok, 2)).toBeUndefined()
      const next = await sessions.contact(KEY, { tok, gen: 3, ttlMs })
      expect(next?.tok).not.toBe(tok)
      expect(next).toMatchObject({ last: 0, refused: [] })
    })

    test('a session without an end goes on when its client is still there', async () => {
      const { sessions } = await create()
      const endless = Number.POSITIVE_INFINITY
      const contact = { tok: undefined, gen: 1, ttlMs: endless }
      const { tok = '' } = (await sessions.contact(KEY, contact)) ?? {}
      await sessions.touch(KEY, tok, endless)
      expect(await sessions.begin(KEY, tok, 1)).toBe(0)
    })

    test('gen and seq may be as large as numbers go', async () => {
      const { sessions } = await create()
      const gen = Number.MAX_SAFE_INTEGER - 1
      const first = await sessions.contact(KEY, { tok: undefined, gen, ttlMs })
      expect(first?.gen).toBe(gen)
      expect(await sessions.begin(KEY, first?.tok ?? '', Number.MAX_SAFE_INTEGER)).toBe(0)
      expect(await sessions.contact(KEY, { tok: first?.tok, gen: gen + 1, ttlMs })).toMatchObject({
        gen: gen + 1,
      })
    })
  })
}
