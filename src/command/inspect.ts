import type { Command } from 'commander'
import type { Difference } from '../inspect/against.js'
import type { Inspection } from '../inspect/inspect.js'
import type { SealedTo } from '../inspect/sealed-to.js'
import { EXIT } from './exit-codes.js'
import { alarm, count, dim, emphasis, note, print, printJson } from './output.js'
import { example } from './shared-options.js'

interface Flags {
  file?: string
  against?: string
  json?: boolean
}

export function addInspect(program: Command) {
  const command = program
    .command('inspect')
    .summary('show what a built bundle carries')
    .description(
      'show each secret that a built bundle, source map, folder or zip carries, and who can open it; needs no AWS. Exit 1 if it differs from what --against or --file say, or holds a token that cannot be opened',
    )
    .argument('<path...>')
    .option('-f, --file <path>', 'compare it with this secrets file: stale, missing, foreign')
    .option('--against <manifest>', "compare it with what the plugin's option manifest wrote")
    .option(
      '--json',
      'print { files, secrets, dataKeyPairs, duplicates, broken, secretsFile?, against? }',
    )
    .action(async (paths: string[], { file, against, json }: Flags) => {
      const { inspect } = await import('../inspect/inspect.js')
      const found = await inspect(paths, {
        ...(file !== undefined && { secretsFile: file }),
        ...(against !== undefined && { against }),
      })
      if (disagrees(found)) process.exitCode = EXIT.FOUND
      if (json) return printJson(found)
      return process.stdout.isTTY ? showTable(found) : showLines(found)
    })
  example(
    command,
    'npx unplugin-kms inspect dist',
    'npx unplugin-kms inspect function.zip --against kms-manifest.json',
  )
}

const disagrees = ({ broken, secretsFile, against }: Inspection) =>
  broken.length > 0 || secretsFile?.agrees === false || against?.agrees === false

type Secret = Inspection['secrets'][number]

/** A bundle may be anybody's: its names must not steer the terminal, nor end a line. */
const plain = (text: string) =>
  text.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)

const nameOf = ({ name }: Secret) => (name === null ? '(no name)' : plain(name))
const contextText = (context: Record<string, string>) =>
  plain(
    Object.entries(context)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ) || '-'
const places = ({ chunks, elsewhere }: Secret) => (chunks.length ? chunks : elsewhere).map(plain)

/** A secret a line, its facts parted by tabs, for tools that cut and grep. */
function showLines(found: Inspection) {
  for (const secret of found.secrets) {
    const { kind, format, mode, ciphertextSize, fingerprint, keys, encryptionContext } = secret
    print(
      [
        nameOf(secret),
        kind,
        format,
        mode,
        ciphertextSize,
        fingerprint ?? '-',
        keys.join(',') || '-',
        contextText(encryptionContext),
        places(secret).join(','),
      ].join('\t'),
    )
  }
  showFindings(found)
}

function showTable(found: Inspection) {
  const { secrets, dataKeyPairs, files } = found
  const rows = secrets.map((secret) => [
    nameOf(secret),
    secret.kind,
    secret.format,
    secret.mode,
    `${secret.ciphertextSize} B`,
    secret.regions.join(' ') || alarm('no key'),
    places(secret).join(' '),
  ])
  if (rows.length) table([HEAD, ...rows])
  print(`${rows.length ? '\n' : ''}${count(secrets.length, 'secret')} in ${count(files, 'file')}`)
  for (const { fingerprint, keys, encryptionContext } of dataKeyPairs) {
    print(`\n${emphasis(`data key pair ${fingerprint ?? '(no fingerprint)'}`)}`)
    for (const key of keys) print(`  key      ${key}`)
    print(`  context  ${contextText(encryptionContext)}`)
  }
  const direct = secrets.filter(({ mode }) => mode === 'direct')
  const opened = new Set(
    direct.map(
      ({ keys, encryptionContext }) =>
        `${keys.map((key) => `  key      ${key}\n`).join('')}  context  ${contextText(encryptionContext)}`,
    ),
  )
  for (const lines of opened) print(`\n${emphasis('mode direct')}\n${lines}`)
  showFindings(found)
}

const HEAD = ['NAME', 'KIND', 'FORMAT', 'MODE', 'SIZE', 'REGIONS', 'IN']

function table(rows: string[][]) {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  rows.forEach((row, at) => {
    const line = row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd()
    print(at ? line : dim(line))
  })
}

/** What a person should look at; in a pipe too, but apart from the lines that a tool reads. */
function showFindings({ duplicates, broken, secrets, secretsFile, against }: Inspection) {
  for (const { name, chunks } of duplicates)
    note(`in several chunks: ${name} (${chunks.join(', ')})`)
  for (const secret of secrets.filter(({ keys }) => !keys.length))
    note(
      `${nameOf(secret)} is sealed to the data key pair ${secret.fingerprint}, which is not in what was read`,
    )
  for (const { file, reason } of broken) note(`${alarm('broken')} token in ${file}: ${reason}`)
  if (secretsFile) showSealedTo(secretsFile)
  if (!against) return
  if (against.agrees) return note(`agrees with ${against.path}`)
  note(`${alarm('differs')} from ${against.path}:`)
  for (const difference of against.differences) note(`  ${differenceText(difference)}`)
}

function showSealedTo({ path, agrees, foreign, stale, missing, unused }: SealedTo) {
  const say = (what: string, names: string[]) => {
    if (names.length) note(`${what}: ${names.join(', ')}`)
  }
  if (agrees) note(`sealed to ${path}, as it stands now`)
  say(`sealed to a key pair that ${path} does not have`, foreign)
  say(`stale, since ${path} has changed; build again`, stale)
  say(`no longer in ${path}`, missing)
  say(`in ${path} alone`, unused)
}

function differenceText({ name, what, fact, manifest, bundle }: Difference) {
  if (what === 'added') return `${name} is in the bundle, and not in the manifest`
  if (what === 'missing') return `${name} is in the manifest, and not in the bundle`
  return `${name}: ${fact} is ${JSON.stringify(bundle)}; the manifest says ${JSON.stringify(manifest)}`
}
