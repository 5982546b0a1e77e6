import { build } from 'esbuild'; import { gzipSync } from 'node:zlib'; import fs from 'node:fs'
const r = await build({ stdin: { contents: "export { createResilientWebSocket } from './src/index.ts'", resolveDir: process.cwd() , loader:'ts'}, bundle: true, minify: true, format: 'esm', write: false, target:'es2022', platform: 'browser', metafile:true })
const t=r.outputFiles[0].text; fs.writeFileSync('/tmp/out.js',t); console.log(t.length, gzipSync(t,{level:9}).length)
