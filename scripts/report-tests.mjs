// Lists the tests that were skipped, and counts the tests of each run.
import { readdir, readFile } from 'node:fs/promises'

const FOLDER = '.cache/tests'

for (const name of (await readdir(FOLDER)).sort()) {
  const { testResults } = JSON.parse(await readFile(`${FOLDER}/${name}`, 'utf8'))
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const of = (...states) => tests.filter(({ status }) => states.includes(status))
  const skipped = of('skipped', 'pending', 'todo')
  const run = name.replace('.json', '')
  for (const { fullName } of skipped) console.log(`${run}: skipped: ${fullName}`)
  console.log(
    `${run}: ${of('passed').length} passed, ${of('failed').length} failed, ${skipped.length} skipped`,
  )
}
