// One measurement in a process of its own: `node bench/child.mjs PART CONTENDER`. Answers its parent with a record of numbers.
const [partName, contender, round = 0] = process.argv.slice(2)
const { measure } = await import(`./parts/${partName}.mjs`)
const values = await measure(contender, Number(round))
if (process.send) process.send(values, () => process.exit(0))
else {
  console.log(partName, contender, values)
  process.exit(0)
}
