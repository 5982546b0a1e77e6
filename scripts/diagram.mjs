// Writes docs/state-machine.md from the transition table. `--check` only tells whether it is stale.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const page = new URL('../docs/state-machine.md', import.meta.url)

/** The exports of a source file that imports nothing but other sources. */
const load = async file => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../src/${file}`, import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
  })
  return import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`)
}

const rowsOf = table =>
  Object.entries(table).flatMap(([from, events]) =>
    Object.entries(events).flatMap(([event, targets]) =>
      [targets].flat().map(row => ({ from, event, ...row })),
    ),
  )

const {
  FALLBACK_TABLE: { states: STATES, transitions: TRANSITIONS },
} = await load('http/fallback-table.ts')
const { HANDSHAKE } = await load('protocol/v1/handshake.ts')
const rows = rowsOf(TRANSITIONS)
const handshake = rowsOf(HANDSHAKE)

const condition = row => (row.if ? ` [${row.if}]` : '')
const detail = row =>
  [
    row.attempts && `${row.attempts === 'count' ? 'counts' : 'forgets'} attempts`,
    row.afresh && 'dials afresh',
    row.also,
  ]
    .filter(Boolean)
    .join(', ')

const arrows = table =>
  table
    .filter(row => row.from !== row.to)
    .map(row => `  ${row.from} --> ${row.to}: ${row.event}${condition(row)}`)
    .join('\n')

const link = { none: 'none', dialing: 'being dialed', open: 'open' }

const text = `# State machine

Generated from \`src/connection/transitions.ts\`, what \`src/http/fallback-table.ts\` adds, and \`src/protocol/v1/handshake.ts\` by \`npm run diagram\`; a test fails when it is stale.

An event that finds no arrow changes nothing: it came too late. Where several arrows share an event,
the first whose condition in brackets holds is taken. What has to be done follows from the two
states: a link that is left is closed before another is dialed, and polling runs exactly in FALLBACK.

\`\`\`mermaid
stateDiagram-v2
  [*] --> closed
${arrows(rows)}
\`\`\`

## States

| state | status | phase | WebSocket | polls | waits | timers |
|---|---|---|---|---|---|---|
${Object.entries(STATES)
  .map(
    ([name, state]) =>
      `| ${name} | ${state.status} | ${state.phase} | ${link[state.link]} | ${state.polls ? 'yes' : ''} | ${state.waits ? 'yes' : ''} | ${state.timers?.join(', ') ?? ''} |`,
  )
  .join('\n')}

## Transitions

| in | on | if | to | and |
|---|---|---|---|---|
${rows
  .map(row => `| ${row.from} | ${row.event} | ${row.if ?? ''} | ${row.to} | ${detail(row)} |`)
  .join('\n')}

## The handshake of protocol v1

In \`greeting\` and \`proving\` the client finds out what its server speaks; when it knows, the event \`proved\` follows.
\`expected\`: the option \`version: 1\`, or the server has spoken v1 before.

\`\`\`mermaid
stateDiagram-v2
  [*] --> none
${arrows(handshake)}
\`\`\`

| in | on | if | to | and |
|---|---|---|---|---|
${handshake
  .map(row => `| ${row.from} | ${row.event} | ${row.if ?? ''} | ${row.to} | ${detail(row)} |`)
  .join('\n')}
`

if (process.argv.includes('--check')) {
  let current = ''
  try {
    current = readFileSync(page, 'utf8')
  } catch {
    // No page is a stale page.
  }
  if (current !== text) {
    console.error('docs/state-machine.md is stale: run `npm run diagram`')
    process.exitCode = 1
  }
} else writeFileSync(page, text)
