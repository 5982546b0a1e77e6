/**
 * How a link finds out whether its server speaks protocol v1, as a table: where each event leads. A part of
 * `docs/state-machine.md` is generated from it.
 */

/** What the link is waiting for: the first frame, the `welcome`, or nothing any more. */
export type Stage = 'none' | 'first' | 'welcome' | 'plain' | 'v1'

export type HandshakeEvent =
  | 'opened'
  /** The `connection` message offers protocol v1. */
  | 'offered'
  /** A frame was read; there may have been no offer in it. */
  | 'frameRead'
  /** What the link was waiting for did not come in time. */
  | 'timedOut'
  /** A `welcome` that makes sense. */
  | 'welcomed'
  /** A server of v1 has answered a poll for the first time. */
  | 'polled'
  | 'closed'

export type HandshakeEffect =
  /** Waits 1 s for the first frame. */
  | 'awaitFirstFrame'
  /** Waits 5 s for the `welcome`. */
  | 'awaitWelcome'
  /** Says `hello`, and waits 5 s for the `welcome`. */
  | 'sayHello'
  /** Messages flow, without acks. */
  | 'begin'
  /** The client knows by now that its server speaks v1, and nothing less will do: the link is of no use. */
  | 'failUnwelcome'
  | 'failPlain'
  /** Channels went on without positions. */
  | 'loosen'

export interface HandshakeRow {
  readonly to: Stage
  /** `expected`: `version: 1`, or the server has spoken v1 before. */
  readonly if?: 'expected'
  readonly also?: HandshakeEffect
}

const ended: HandshakeRow = { to: 'none' }

/** Event by stage. The first row whose condition holds applies; where there is none, the event changes nothing. */
export const HANDSHAKE: Readonly<
  Record<Stage, { readonly [event in HandshakeEvent]?: readonly HandshakeRow[] }>
> = {
  none: {
    opened: [
      { to: 'first', if: 'expected', also: 'awaitWelcome' },
      { to: 'first', also: 'awaitFirstFrame' },
    ],
  },
  first: {
    offered: [{ to: 'welcome', also: 'sayHello' }],
    frameRead: [
      { to: 'first', if: 'expected', also: 'failPlain' },
      { to: 'plain', also: 'begin' },
    ],
    timedOut: [
      { to: 'first', if: 'expected', also: 'failUnwelcome' },
      { to: 'plain', also: 'begin' },
    ],
    polled: [{ to: 'first', also: 'awaitWelcome' }],
    closed: [ended],
  },
  welcome: {
    welcomed: [{ to: 'v1' }],
    timedOut: [{ to: 'welcome', also: 'failUnwelcome' }],
    closed: [ended],
  },
  plain: { closed: [{ to: 'none', also: 'loosen' }] },
  v1: { closed: [ended] },
}

export const nextRow = (
  stage: Stage,
  event: HandshakeEvent,
  expected: boolean,
): HandshakeRow | undefined =>
  HANDSHAKE[stage][event]?.find(row => row.if === undefined || expected)
