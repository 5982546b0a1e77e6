import { Alerts } from './components/Alerts'
import { Orders } from './components/Orders'
import { PriceChart } from './components/PriceChart'
import { Signals } from './components/Signals'
import { Ticket } from './components/Ticket'
import { Watchlist } from './components/Watchlist'

const Page = () => (
  <main className="desk">
    <Watchlist />
    <PriceChart />
    <Ticket />
    <Signals />
    <Orders />
    <Alerts />
  </main>
)

export default Page
