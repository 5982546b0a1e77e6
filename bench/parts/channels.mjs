// What 10,000 channels cost one client.
import { connectInMemory, cpuMicroseconds, turn } from '../clients/in-memory.mjs'
import { OTHER_CLIENTS, OURS } from './rows.mjs'

const COUNT = 10_000

export const part = {
  name: 'channels',
  title: '10,000 channels',
  about:
    'CPU time in ms, in memory: subscribing to 10,000 channels until the server has accepted all, and leaving them in one turn. Ours takes them as one subscription or as 10,000; `centrifuge` has one subscription for each channel. Clients without channels are not listed.',
  maxRounds: 3,
  rows: [OTHER_CLIENTS.find(({ name }) => name === 'centrifuge'), ...OURS],
  columns: [
    { metric: 'together', title: 'one subscription of 10,000, ms', digits: 1, compare: 'none' },
    { metric: 'leaveTogether', title: 'leaving it, ms', digits: 1, compare: 'none' },
    {
      metric: 'each',
      title: '10,000 subscriptions, ms',
      digits: 1,
      compare: 'none',
      chart: '10,000 channels',
    },
    { metric: 'leaveEach', title: 'leaving them in one turn, ms', digits: 1, compare: 'none' },
  ],
}

const namesOf = (prefix, count) => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

const timed = async run => {
  const before = cpuMicroseconds()
  await run()
  await turn()
  return (cpuMicroseconds() - before) / 1000
}

const measureCentrifuge = async client => {
  const round = async names => {
    let all
    const each = await timed(async () => {
      all = names.map(name => client.newSubscription(name))
      await new Promise(resolve => {
        let left = all.length
        for (const one of all) one.on('subscribed', () => --left || resolve())
        for (const one of all) one.subscribe()
      })
    })
    const leaveEach = await timed(() => {
      for (const one of all) one.unsubscribe()
    })
    return { each, leaveEach }
  }
  await round(namesOf('warm-up', COUNT / 10))
  return round(namesOf('each', COUNT))
}

const measureOurs = async client => {
  const round = async (prefix, count) => {
    const names = namesOf(`${prefix}-together`, count)
    let one
    const together = await timed(async () => {
      one = client.subscribe(names)
      await one.ready
    })
    const leaveTogether = await timed(() => one.unsubscribe())
    let all
    const each = await timed(async () => {
      all = namesOf(`${prefix}-each`, count).map(name => client.subscribe(name))
      await Promise.all(all.map(({ ready }) => ready))
    })
    const leaveEach = await timed(() => {
      for (const subscription of all) subscription.unsubscribe()
    })
    return { together, leaveTogether, each, leaveEach }
  }
  await round('warm-up', COUNT / 10)
  return round('measured', COUNT)
}

export const measure = async name => {
  const { client } = await connectInMemory(name)
  return name === 'centrifuge' ? measureCentrifuge(client) : measureOurs(client)
}
