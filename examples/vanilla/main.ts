import { mountBadge } from './badge.ts'
import { createConnection } from './connection.ts'
import { loadDemo } from './control.ts'
import { mountCounters } from './counters.ts'
import { mountFaults } from './faults.ts'
import { watchFlow } from './flow.ts'
import { mountHistory } from './history.ts'
import { mountPrices } from './prices.ts'
import { mountSendBox } from './send-box.ts'
import { createTally } from './tally.ts'

const demo = await loadDemo()
const socket = createConnection(demo?.socketUrl)
const tally = createTally(socket)
const flow = watchFlow(socket)

mountBadge(socket, flow)
mountPrices(socket)
mountCounters(socket, tally)
mountSendBox(socket)
const history = mountHistory(socket)
if (demo) mountFaults(socket, demo, flow, history.note)

socket.subscribe(demo?.channels ?? ['AAPL', 'GOOGL', 'MSFT'])

// For the tests of this page; an application needs nothing of the kind.
Object.assign(window, { __demo: { socket, tally } })
