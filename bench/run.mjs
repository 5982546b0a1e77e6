// npm run bench -- [--only receive,send]     these parts alone; prints their tables and writes no page
//                  [--without chromium]      all parts but these; the page says that they were left out
//                  [--rounds 5]              how often each contender is measured; some parts need fewer
//                  [--date 2026-01-31]       the date in the page, today's without it
//                  [--from FILE]             writes the page anew from the results of an earlier run
// Measures what was built, and writes docs/benchmarks.md, docs/images/benchmarks.svg and node_modules/.cache/bench/results.json.
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch, cpus, release, totalmem, type } from 'node:os'
import { performance } from 'node:perf_hooks'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CACHE = `${ROOT}node_modules/.cache/bench`
const PAGE = `${ROOT}docs/benchmarks.md`
const CHART = 'images/benchmarks.svg'
const NAMES = [
  'receive',
  'chromium',
  'send',
  'loopback',
  'idle',
  'reconnect',
  'throng',
  'queue',
  'channels',
  'server',
  'sizes',
]
const LIBRARIES = [
  'reconnecting-websocket',
  'partysocket',
  'socket.io-client',
  'socket.io',
  'centrifuge',
  'ws',
  'esbuild',
]
/** A measurement that takes longer has hung. */
const MAX_CHILD_MS = 180_000
/** Code that is thrown away while it is unused would be measured as memory that was given back. */
const NODE_FLAGS = ['--expose-gc', '--no-flush-bytecode', '--max-old-space-size=6000']

const fail = message => {
  console.error(message)
  process.exit(2)
}

const readArguments = () => {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        without: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        date: { type: 'string', default: new Date().toISOString().slice(0, 10) },
        from: { type: 'string' },
      },
    })
    return values
  } catch (error) {
    return fail(error.message)
  }
}

const namesOf = (option, text) => {
  const names = (text ?? '').split(',').filter(Boolean)
  for (const name of names) {
    if (!NAMES.includes(name)) fail(`--${option}: expected ${NAMES.join(', ')}, got '${name}'`)
  }
  return names
}

/** Of one contender in one round, in a process of its own. */
const measured = async (part, row, round) => {
  const script = fileURLToPath(new URL('child.mjs', import.meta.url))
  const child = fork(script, [part.name, row.name, String(round)], { execArgv: NODE_FLAGS })
  const late = setTimeout(() => child.kill('SIGKILL'), MAX_CHILD_MS)
  let values
  child.once('message', message => {
    values = message
  })
  const [code, signal] = await once(child, 'exit')
  clearTimeout(late)
  if (values && code === 0) return values
  throw new Error(`${part.name}, ${row.name}: its process ended with ${signal ?? code}, see above`)
}

const run = async (part, mostRounds) => {
  const rounds = Math.min(mostRounds, part.maxRounds ?? mostRounds)
  const { name, title, about, columns } = part
  const rows = part.rows.map(row => ({ ...row, rounds: [] }))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < rows.length; turn++) {
      const row = rows[(turn + round) % rows.length]
      const { missing, ...values } = await measured(part, row, round)
      if (missing) row.missing = missing
      else row.rounds.push(values)
      const figures = Object.entries(values).map(
        ([metric, value]) => `${metric} ${value.toFixed(2)}`,
      )
      console.log(`${name} ${round + 1}/${rounds}  ${row.name}: ${missing ?? figures.join(', ')}`)
    }
  }
  return { name, title, about, columns, rows }
}

const versionOf = library =>
  JSON.parse(readFileSync(`${ROOT}node_modules/${library}/package.json`, 'utf8')).version

const describeRun = (date, without, hasChromium) => {
  const [cpu] = cpus()
  const given = process.argv.slice(2)
  const memory = Math.round(totalmem() / 2 ** 30)
  const chromium = () => /[\d.]+/.exec(execFileSync('/usr/bin/chromium', ['--version']).toString())
  return {
    date,
    command: ['npm run bench', ...(given.length ? ['--', ...given] : [])].join(' '),
    machine: `${cpus().length} × ${cpu.model.trim()}, ${memory} GiB, ${type()} ${release()}, ${arch()}`,
    versions: {
      Node: process.versions.node,
      ...(hasChromium ? { Chromium: chromium()[0] } : {}),
      ...Object.fromEntries(LIBRARIES.map(library => [library, versionOf(library)])),
    },
    without,
  }
}

const loadReport = async () => {
  const outfile = `${CACHE}/report.mjs`
  await build({
    entryPoints: [fileURLToPath(new URL('report/index.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return import(pathToFileURL(outfile))
}

const write = (results, { chartOf, pageOf }) => {
  writeFileSync(`${ROOT}docs/${CHART}`, chartOf(results))
  writeFileSync(PAGE, pageOf(results, CHART))
  console.log(`written: docs/benchmarks.md, docs/${CHART}`)
}

const { only, without, rounds, date, from } = readArguments()
const left = namesOf('without', without)
const chosen = (only === undefined ? NAMES : namesOf('only', only)).filter(
  name => !left.includes(name),
)
const mostRounds = Number(rounds)
if (!Number.isSafeInteger(mostRounds) || mostRounds < 1) {
  fail(`--rounds: expected a whole number from 1, got '${rounds}'`)
}
mkdirSync(CACHE, { recursive: true })
const report = await loadReport()

if (from) write(JSON.parse(readFileSync(from, 'utf8')), report)
else {
  const modules = await Promise.all(chosen.map(name => import(`./parts/${name}.mjs`)))
  for (const { whatIsMissing } of modules) {
    const missing = whatIsMissing?.()
    if (missing) fail(missing)
  }
  const began = performance.now()
  const parts = []
  for (const { part } of modules) parts.push(await run(part, mostRounds))
  const results = { meta: describeRun(date, left, chosen.includes('chromium')), parts }
  writeFileSync(`${CACHE}/results.json`, JSON.stringify(results, null, 2))
  console.log(`${((performance.now() - began) / 60_000).toFixed(1)} minutes`)
  if (only === undefined) write(results, report)
  else console.log(`\n${parts.map(report.sectionOf).join('\n\n')}`)
}
