/**
 * The client and the indicator in one file without imports, for a page without a bundler:
 * `<script type="module">` and `import { createResilientWebSocket } from './browser.js'`.
 */
export * from './index.ts'
export * from './indicator/index.ts'
