/** The parts of a client that need no other: time, names, log, user, events, errors. */
import { createFaults, type Faults } from '../connection/faults.ts'
import { createRunLoop, type RunLoop } from '../connection/run-loop.ts'
import { createTokenProvider, type TokenProvider } from '../connection/token-provider.ts'
import { type Aborts, createAborts } from '../delivery/aborts.ts'
import type { Settings } from '../options/settings.ts'
import { createIds, type Ids } from '../shared/ids.ts'
import { createLog, type Log } from '../shared/log.ts'
import { type Environment, resolveEnvironment } from '../shared/runtime.ts'
import { createTimers, type Timers } from '../shared/timers.ts'
import { createDrops, type Drops } from './drops.ts'
import type { Parts } from './parts.ts'
import { createPublicEvents, type PublicEvents } from './public-events.ts'
import { createSnapshots, type Snapshots } from './snapshot.ts'
import type { User } from './user.ts'

export interface Ground<Incoming, Outgoing> {
  readonly settings: Settings<Incoming, Outgoing>
  /** What `use` adds. */
  readonly parts: Parts
  readonly environment: Environment
  readonly timers: Timers
  readonly ids: Ids
  readonly log: Log
  readonly aborts: Aborts
  readonly user: User
  readonly events: PublicEvents<Incoming, Outgoing>
  readonly drops: Drops
  readonly snapshots: Snapshots<Incoming>
  readonly loop: RunLoop
  readonly faults: Faults
  readonly token: TokenProvider
  /** The snapshot may differ. */
  onChange(): void
}

export const createGround = <Incoming, Outgoing>(
  settings: Settings<Incoming, Outgoing>,
  parts: Parts,
): Ground<Incoming, Outgoing> => {
  const environment = resolveEnvironment(settings.environment)
  const log = createLog(settings.logger)
  const user: User = { generation: 0, identity: settings.identity, wasShown: false }
  const events = createPublicEvents<Incoming, Outgoing>(log, user)
  const snapshots = createSnapshots<Incoming>()
  const onChange = (): void => {
    if (snapshots.changed()) events.emitChange(true)
  }
  const loop = createRunLoop(onChange)
  return {
    settings,
    parts,
    environment,
    timers: createTimers(environment),
    ids: createIds(environment),
    log,
    aborts: createAborts(),
    user,
    events,
    drops: createDrops(log, events.count),
    snapshots,
    loop,
    faults: createFaults(loop, error => events.emit('error', error)),
    token: createTokenProvider(settings.token),
    onChange,
  }
}
