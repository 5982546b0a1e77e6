import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const config: NextConfig = {
  // The lock file of the library above is not ours.
  turbopack: { root: fileURLToPath(new URL('.', import.meta.url)) },
  // Tests build for ports of their own, beside what is being developed.
  distDir: process.env['NEXT_DIST_DIR'] || '.next',
  devIndicators: false,
  // The same machine by its other name: without this the page stands there and never comes to life.
  allowedDevOrigins: ['127.0.0.1'],
  poweredByHeader: false,
}

export default config
