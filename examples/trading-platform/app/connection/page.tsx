import { Facts } from '../components/Facts'
import { History } from '../components/History'
import { IntegrityTable } from '../components/IntegrityTable'

const Page = () => (
  <main className="connection">
    <Facts />
    <History />
    <IntegrityTable />
  </main>
)

export default Page
