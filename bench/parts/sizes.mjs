// What each library adds to a page: bundled by esbuild, minified, gzipped.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NAME = 'resilient-websocket'

/** An entry point of ours, and what is imported of it. */
const ours = (label, entry, names, more = {}) => ({
  name: label,
  label: `**${label}**`,
  isOurs: true,
  entry,
  imported: `export { ${names.join(', ')} } from '${NAME}${entry.slice(1)}'`,
  ...more,
})
const theirs = (label, imported) => ({ name: label, label, imported })

/** Those that are not built say so in the table: add an entry point before it is there. */
const OURS = [
  ours('`/basic` with `raw()`', './basic', ['createResilientWebSocket', 'raw']),
  ours('`/basic` with `json()`', './basic', ['createResilientWebSocket', 'json']),
  ours('`/basic` with `json()`, channels, v1', './basic', [
    'createResilientWebSocket',
    'json',
    'subscriptions',
    'sessions',
  ]),
  ours('the main entry', '.', ['createResilientWebSocket']),
  ours('`/react/basic` with `json()`', './react/basic', ['useResilientWebSocket'], {
    also: `export { json } from '${NAME}/basic'`,
  }),
  ours('`/react`', './react', ['useResilientWebSocket']),
  ours('`/vue`', './vue', ['useResilientWebSocket']),
]

const OTHERS = [
  theirs('reconnecting-websocket', "export { default } from 'reconnecting-websocket'"),
  theirs('partysocket', "export { default } from 'partysocket/ws'"),
  theirs('socket.io-client', "export { io } from 'socket.io-client'"),
  theirs('centrifuge', "export { Centrifuge } from 'centrifuge'"),
]

export const part = {
  name: 'sizes',
  title: 'Sizes',
  about:
    'What an application downloads: bundled for browsers by esbuild, minified, gzipped at level 9, kB of 1000 bytes. React and Vue are not counted, dependencies are. “Channels, v1” is with `subscriptions()` and `sessions()`. The main entry is everything; `/react` and `/vue` hold it, too.',
  maxRounds: 1,
  rows: [...OTHERS, ...OURS].map(({ name, label, isOurs }) => ({ name, label, isOurs })),
  columns: [
    {
      metric: 'gzip',
      title: 'min+gzip, kB',
      digits: 1,
      compare: 'none',
      chart: 'size',
    },
    { metric: 'minified', title: 'minified, kB', digits: 1, compare: 'none' },
  ],
}

/** Whether package.json names this entry point and it is built. */
const isThere = entry => {
  const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'))
  const file = exports[entry]?.import?.default ?? exports[entry]?.default
  return file !== undefined && existsSync(`${ROOT}/${file}`)
}

export const measure = async name => {
  const { entry, imported, also = '' } = [...OTHERS, ...OURS].find(each => each.name === name)
  if (entry && !isThere(entry)) return { missing: 'not there' }
  const { outputFiles } = await build({
    stdin: { contents: `${imported}\n${also}`, resolveDir: ROOT },
    // The package as it is built, not what tsconfig.json says instead.
    tsconfigRaw: {},
    external: ['react', 'vue'],
    define: { 'process.env.NODE_ENV': '"production"' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  const { contents } = outputFiles[0]
  return {
    gzip: gzipSync(contents, { level: 9 }).length / 1000,
    minified: contents.length / 1000,
  }
}
