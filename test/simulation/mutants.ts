// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of code
/**
 * One broken rule each: a piece of the shipped code, and what is put in its place. The checker is worth as much
 * as it notices of these. Those that no checker can notice are argued in docs/decisions/0006.
 */
export interface Mutant {
  /** The rule of docs/protocol.md, or of the driver, that it breaks. */
  readonly rule: string
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
}

export const MUTANTS: readonly Mutant[] = [
  {
    rule: '1',
    name: 'the sequence is not dense',
    file: 'delivery/outbox.ts',
    find: 'seq: ++lastSeq',
    replace: 'seq: (lastSeq += 2)',
  },
  {
    rule: '1',
    name: 'a message sent again gets a new place',
    file: 'delivery/outbox.ts',
    find: 'const { seq, losses } = next',
    replace:
      'if (next.losses) (next as { seq: number }).seq = ++lastSeq\n    const { seq, losses } = next',
  },
  {
    rule: '2',
    name: 'the server starts a new incarnation for everybody',
    file: 'server/sessions.ts',
    find: 'if (kept && kept.tok === tok) {',
    replace: 'if (kept && kept.tok === `${tok}x`) {',
  },
  {
    rule: '3',
    name: 'the server applies what it has applied',
    file: 'server/applying.ts',
    find: 'if (seq <= last) return { ack: last }',
    replace:
      'if (seq <= last) { await apply(message, sender); await sessions.advance(key, tok, seq); return { ack: last } }',
  },
  {
    rule: '3',
    name: 'the server acknowledges before it applies',
    file: 'server/sequence.ts',
    find: 'await applying.inTurn(key, async () => {\n        const applied',
    replace:
      'acknowledge(seq)\n      await applying.inTurn(key, async () => {\n        const applied',
  },
  {
    rule: '4',
    name: 'the client takes another incarnation for its own',
    file: 'protocol/session.ts',
    find: 'if (tok !== undefined) host.sessionLost()',
    replace: '',
  },
  {
    rule: '4',
    name: 'numbering does not begin anew with a new session',
    file: 'delivery/outbox.ts',
    find: 'sent = lastSeq = 0',
    replace: 'sent = 0',
  },
  {
    rule: '5',
    name: 'what was not acknowledged is not sent again',
    file: 'delivery/outbox.ts',
    find: 'most = ENDLESS\n      joined = JOINED\n      sent = 0',
    replace: 'most = ENDLESS\n      joined = JOINED\n      sent = flight.length',
  },
  {
    rule: '5',
    name: 'what a lost link carried is settled as acknowledged',
    file: 'delivery/outbox.ts',
    find: 'for (const each of flight.slice(0, sent)) each.losses++',
    replace: "for (const each of flight.slice(0, sent)) giveUp(each, 'acked')",
  },
  {
    rule: '5',
    name: 'new messages go before those that were not acknowledged',
    file: 'delivery/outbox.ts',
    find: 'if (sent === flight.length) {',
    replace: 'if (sent === flight.length || (head() && flight.length < (acks as number))) {',
  },
  {
    rule: '5',
    name: 'a nack is taken for an ack',
    file: 'protocol/envelope.ts',
    find: 'host.refusedAt(seq, `${code}`)\n    },\n    subscribed',
    replace: '},\n    subscribed',
  },
  {
    rule: '5',
    name: 'the refusals in a welcome are not read',
    file: 'protocol/session.ts',
    find: 'if (isWhole(seq)) host.refusedAt(seq, `${code}`)',
    replace: '',
  },
  {
    rule: '5',
    name: 'a place given up is not skipped',
    file: 'delivery/outbox.ts',
    find: 'if (!next.entry) return `{"type":"skip","data":{"seq":${seq}}}`',
    replace: 'if (!next.entry) return `{"type":"skip","data":{"seq":0}}`',
  },
  {
    rule: '6',
    name: 'lower offsets are delivered',
    file: 'protocol/session.ts',
    find: 'if (offset !== cursor.offset + 1) return false',
    replace: 'if (offset > cursor.offset + 1) return false',
  },
  {
    rule: '6',
    name: 'higher offsets are delivered',
    file: 'protocol/session.ts',
    find: 'if (offset !== cursor.offset + 1) return false',
    replace: 'if (offset <= cursor.offset) return false',
  },
  {
    rule: '6',
    name: 'a missing message is never asked for',
    file: 'protocol/session.ts',
    find: 'asked.add(channel)\n    host.resubscribe(channel)',
    replace: '',
  },
  {
    rule: '6',
    name: 'the client asks from where the server is',
    file: 'protocol/envelope.ts',
    find: 'channels.map(channel => [channel, session.position(channel)])',
    replace: 'channels.map(channel => [channel, null])',
  },
  {
    rule: '7',
    name: 'a gap is not told',
    file: 'protocol/session.ts',
    find: "host.gap(channel, typeof reason === 'string' ? reason : 'epoch')",
    replace: '',
  },
  {
    rule: '7',
    name: 'the server calls another history recovered',
    file: 'server/recovery.ts',
    find: "if (position.epoch !== now.epoch) return 'epoch'",
    replace: '',
  },
  {
    rule: '7',
    name: 'the server begins where it is, whatever the client has',
    file: 'server/recovery.ts',
    find: 'if (!position) return',
    replace: 'if (position || !position) return',
  },
  {
    rule: '8',
    name: 'the server joins the live stream after it has read history',
    file: 'server/listening.ts',
    find: 'open(name).held = []',
    replace: '',
  },
  {
    rule: '9',
    name: 'the client does not look at heads',
    file: 'protocol/session.ts',
    find: 'if (cursor && isWhole(offset) && offset > cursor.offset) resubscribe(channel)',
    replace: '',
  },
  {
    rule: '10',
    name: 'gen does not grow',
    file: 'protocol/session.ts',
    find: 'gen: ++gen',
    replace: 'gen: 1',
  },
  {
    rule: 'driver',
    name: 'a link that is given up is still heard',
    file: 'transport/websocket.ts',
    find: "each('removeEventListener')",
    replace: '',
  },
  {
    rule: 'driver',
    name: 'a dead link is not noticed',
    file: 'connection/heartbeat.ts',
    find: '} else hooks.dead()',
    replace: '} else ask(timeout)',
  },
  {
    rule: 'driver',
    name: 'a hanging dial is not given up',
    file: 'connection/driver.ts',
    find: "giveUp('Connect timeout', 'FAILED', TIMED_OUT),",
    replace: 'undefined,',
  },
  {
    rule: 'driver',
    name: 'polling goes on beside an open link',
    file: 'connection/driver.ts',
    find: "stopPolling: () => polling?.close(0, ''),",
    replace: 'stopPolling() {},',
  },
  {
    rule: 'driver',
    name: 'messages are posted while a link proves itself',
    file: 'protocol/envelope.ts',
    find: "if (!posts || stage !== 'none') return undefined",
    replace: 'if (!posts) return undefined',
  },
  {
    rule: 'driver',
    name: 'a poll is answered without its cursor',
    file: 'protocol/envelope.ts',
    find: "if (typeof channel !== 'string' || !isWhole(offset) || session.isNext(channel, offset)) {",
    replace:
      "if (stage === 'none' || typeof channel !== 'string' || !isWhole(offset) || session.isNext(channel, offset)) {",
  },
  {
    rule: 'driver',
    name: 'a lost link takes what it carried with it',
    file: 'delivery/outbox.ts',
    find: 'for (const each of flight.slice(0, sent)) each.losses++',
    replace: 'flight.splice(0, sent)',
  },
  {
    rule: 'driver',
    name: 'another user goes on with the session',
    file: 'client.ts',
    find: 'conversation.renew?.()',
    replace: '',
  },
  {
    rule: 'driver',
    name: 'channels are not told to a new link',
    file: 'delivery/subscriptions.ts',
    find: 'told = [...already]',
    replace: 'told = [...wanted.keys()]',
  },
  {
    rule: 'driver',
    name: 'a rate limit is taken for a loss of nothing',
    file: 'delivery/outbox.ts',
    find: 'pausedUntil = now() + delayMs\n      sent = 0',
    replace: 'pausedUntil = now() + delayMs',
  },
]
