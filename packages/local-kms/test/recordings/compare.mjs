// Compares the embedded services with recordings of AWS.
//
//   node packages/local-kms/test/recordings/compare.mjs FOLDER
//
// FOLDER contains snapshot files (*.snapshot.json) in the format of LocalStack's test suite: the
// answers of AWS by test and label, with placeholders for ids, names and times. The files are not
// part of this repository. The calls of each test are in replays.mjs. Exit code 1: differences.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalKms } from '../../dist/index.js'
import { differences } from './differences.mjs'
import { replays } from './replays.mjs'
import { caller } from './call.mjs'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node compare.mjs FOLDER')
  process.exit(2)
}

const files = (await readdir(folder, { recursive: true })).filter((path) =>
  path.endsWith('.snapshot.json'),
)
const totals = { compared: 0, different: 0, skipped: [] }
for (const file of files) {
  const recordings = JSON.parse(await readFile(join(folder, file), 'utf8'))
  for (const [id, { 'recorded-content': recorded }] of Object.entries(recordings)) {
    await compare(id, recorded)
  }
}
console.log(
  `${totals.compared} tests compared, ${totals.different} with differences, ` +
    `${totals.skipped.length} without a replay`,
)
for (const id of totals.skipped) console.log(`  no replay: ${id}`)
process.exitCode = totals.different > 0 ? 1 : 0

async function compare(id, recorded) {
  const [, name, parameters = ''] = /::(\w+)(?:\[(.*)\])?$/s.exec(id) ?? []
  const replay = replays[name]
  if (replay === undefined) {
    totals.skipped.push(id)
    return
  }
  const kms = await startLocalKms({ accountId: '111111111111' })
  try {
    const answers = await replay(caller(kms), parameters)
    const found = Object.entries(recorded)
      .filter(([label]) => label in answers)
      .flatMap(([label, expected]) => differences(expected, answers[label], label))
    totals.compared += 1
    if (found.length === 0) return
    totals.different += 1
    console.log(id)
    for (const line of found) console.log(`  ${line}`)
  } finally {
    await kms.close()
  }
}
