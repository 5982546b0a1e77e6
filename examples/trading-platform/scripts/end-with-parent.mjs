// @ts-check
/** Loaded before Next's command line, which would go on alone. */
import { whenOrphaned } from '../server/orphan.mjs'

whenOrphaned(() => process.kill(process.pid, 'SIGTERM'))
