/** One row of the table, as the React pages show it. */
import { type ComponentType, memo } from 'react'

interface RowProps {
  readonly symbol: string
  readonly price: number | undefined
}

export const Row: ComponentType<RowProps> = memo(({ symbol, price }: RowProps) => (
  <tr>
    <td>{symbol}</td>
    <td id={symbol}>{price}</td>
  </tr>
))
