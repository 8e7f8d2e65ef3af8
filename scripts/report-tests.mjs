// Lists the tests that every run skipped, and counts the tests of each run.
import { readdir, readFile } from 'node:fs/promises'

const FOLDER = '.cache/tests'

const runs = await Promise.all(
  (await readdir(FOLDER)).sort().map(async (file) => {
    const { testResults } = JSON.parse(await readFile(`${FOLDER}/${file}`, 'utf8'))
    const tests = testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((test) => ({ ...test, id: `${name} ${test.fullName}` })),
    )
    return { name: file.replace('.json', ''), tests }
  }),
)
const of = (tests, ...states) => tests.filter(({ status }) => states.includes(status))
const passed = new Set(runs.flatMap(({ tests }) => of(tests, 'passed').map(({ id }) => id)))

for (const { name, tests } of runs) {
  const skipped = of(tests, 'skipped', 'pending', 'todo')
  for (const { id, fullName } of skipped)
    if (!passed.has(id)) console.log(`${name}: skipped: ${fullName}`)
  console.log(
    `${name}: ${of(tests, 'passed').length} passed, ${of(tests, 'failed').length} failed, ${skipped.length} skipped`,
  )
}
