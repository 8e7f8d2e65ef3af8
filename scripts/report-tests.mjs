// Says which tests were skipped, and ends with the count of all.
import { readFile } from 'node:fs/promises'

const { testResults } = JSON.parse(await readFile('.cache/tests.json', 'utf8'))
const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
const of = (...states) => tests.filter(({ status }) => states.includes(status))
const skipped = of('skipped', 'pending', 'todo')
for (const { fullName } of skipped) console.log(`skipped: ${fullName}`)
console.log(
  `tests: ${of('passed').length} passed, ${of('failed').length} failed, ${skipped.length} skipped`,
)
