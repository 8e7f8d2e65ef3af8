import type { Command } from '@commander-js/extra-typings'
import type { Difference } from '../../inspect/against.js'
import type { Inspection } from '../../inspect/inspect.js'
import type { SealedTo } from '../../inspect/sealed-to.js'
import { EXIT } from '../support/exit-codes.js'
import {
  alarm,
  count,
  dim,
  emphasis,
  note,
  plain,
  print,
  printJson,
  widthOf,
} from '../support/output.js'
import { example, jsonOption } from '../support/shared-options.js'

export function addInspect(program: Command) {
  const command = program
    .command('inspect')
    .description(
      'List the secrets of a bundle, source map, folder or zip, and the keys that decrypt them. Needs no AWS. Exit 1 if it differs from --against or --file, or contains a malformed token.',
    )
    .argument('<path...>')
    .option('-f, --file <path>', 'compare with this secrets file: stale, missing, foreign')
    .option(
      '--against <manifest>',
      "compare with a manifest of the plugin's option, or with an earlier report",
    )
    .addOption(
      jsonOption(
        '{ files, notFollowed, secrets, dataKeyPairs, duplicates, broken, secretsFile?, against? }',
      ),
    )
    .option('--html <path>', 'write a self-contained HTML report')
    .action(async (paths, { file, against, json, html }) => {
      const { inspect } = await import('../../inspect/inspect.js')
      const found = await inspect(paths, {
        ...(file !== undefined && { secretsFile: file }),
        ...(against !== undefined && { against }),
      })
      if (disagrees(found)) process.exitCode = EXIT.FINDINGS
      if (html !== undefined) await writeReport(html, paths, found)
      if (json) return printJson(found)
      return process.stdout.isTTY ? showTable(found) : showLines(found)
    })
  example(
    command,
    'npx unplugin-kms inspect dist',
    'npx unplugin-kms inspect function.zip --against kms-manifest.json',
    'npx unplugin-kms inspect dist --html report.html',
  )
}

async function writeReport(out: string, paths: string[], inspection: Inspection) {
  const { outputGraph } = await import('../../inspect/imports.js')
  const { reportPage } = await import('../../pages/report-page.js')
  const { decryptRequestsIn } = await import('../../policy/decrypt-requests.js')
  const { decryptStatements } = await import('../../policy/runtime-policy.js')
  const { replaceFile } = await import('../../util/replace-file.js')
  const report = await reportPage({
    paths,
    inspection,
    statements: decryptStatements(decryptRequestsIn(inspection)),
    graph: await outputGraph(paths),
  })
  await replaceFile(out, report)
  note(`created ${out}`)
}

const disagrees = ({ broken, secretsFile, against }: Inspection) =>
  broken.length > 0 || secretsFile?.agrees === false || against?.agrees === false

type Secret = Inspection['secrets'][number]

const nameOf = ({ name }: Secret) => (name === null ? '(no name)' : plain(name))
const contextText = (context: Record<string, string>) =>
  plain(
    Object.entries(context)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ) || '-'
const places = ({ chunks, elsewhere }: Secret) => (chunks.length ? chunks : elsewhere).map(plain)

const COLUMNS = 'NAME KIND FORMAT MODE SIZE FINGERPRINT KEYS CONTEXT IN SUITE'.split(' ')

/** Prints one secret per line, separated by tabs and with a header, for cut and awk. */
function showLines(found: Inspection) {
  if (found.secrets.length) print(COLUMNS.join('\t'))
  else note(`0 secrets in ${count(found.files, 'file')}`)
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
        mode === 'direct' ? '-' : (secret.suite ?? 'P-256'),
      ].join('\t'),
    )
  }
  showFindings(found)
}

function showTable(found: Inspection) {
  const { secrets, files } = found
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
  const openers = openersOf(found)
  for (const { title, keys, encryptionContext, opens } of openers) {
    print(`\n${emphasis(title)}`)
    for (const key of keys) print(`  key      ${key}`)
    print(`  context  ${contextText(encryptionContext)}`)
    if (opens.some(({ suite }) => suite))
      print('  suite    ML-KEM-1024, opens on Node.js 24.7 and later')
    if (openers.length > 1) print(`  opens    ${opens.map(nameOf).join(', ') || '-'}`)
  }
  showFindings(found)
}

interface Opener {
  title: string
  keys: string[]
  encryptionContext: Record<string, string>
  opens: Secret[]
}

/** What has to be unwrapped by KMS: each data key pair, and each kind of secret in mode direct. */
function openersOf({ secrets, dataKeyPairs }: Inspection): Opener[] {
  const isFor =
    ({ keys, encryptionContext }: Omit<Opener, 'title' | 'opens'>) =>
    (secret: Secret) =>
      JSON.stringify([secret.keys, secret.encryptionContext]) ===
      JSON.stringify([keys, encryptionContext])
  const direct = secrets.filter(({ mode }) => mode === 'direct')
  const kinds = direct.filter((secret, at) => direct.findIndex(isFor(secret)) === at)
  return [
    ...dataKeyPairs.map((pair) => ({
      ...pair,
      title: `data key pair ${pair.fingerprint ?? '(no fingerprint)'}`,
      opens: secrets.filter(
        (secret) =>
          secret.mode === 'envelope' &&
          isFor(pair)(secret) &&
          (pair.fingerprint ?? secret.fingerprint) === secret.fingerprint,
      ),
    })),
    ...kinds.map((kind) => ({
      ...kind,
      title: 'mode direct',
      opens: direct.filter(isFor(kind)),
    })),
  ]
}

const HEAD = ['NAME', 'KIND', 'FORMAT', 'MODE', 'SIZE', 'REGIONS', 'IN']

function table(rows: string[][]) {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))))
  rows.forEach((row, at) => {
    const line = row
      .map((cell, column) => cell + ' '.repeat(widths[column]! - widthOf(cell)))
      .join('  ')
      .trimEnd()
    print(at ? line : dim(line))
  })
}

const finding = (text: string, word = '') =>
  note((word && alarm(word, process.stderr)) + plain(text))

/** What a person should look at; in a pipe too, but apart from the lines that a tool reads. */
function showFindings(found: Inspection) {
  const { notFollowed, duplicates, broken, secrets, secretsFile, against } = found
  if (notFollowed.length)
    finding(`not read, because links point out of the folder: ${notFollowed.join(', ')}`)
  for (const { name, chunks } of duplicates)
    finding(`in several chunks: ${name} (${chunks.join(', ')})`)
  for (const secret of secrets.filter(({ keys }) => !keys.length))
    finding(
      `${nameOf(secret)} is sealed to the data key pair ${secret.fingerprint}, which is not in what was read`,
    )
  for (const [text, times] of counted(broken.map(({ file, reason }) => `${file}: ${reason}`)))
    finding(` token in ${text}${times > 1 ? ` (${times} times)` : ''}`, 'broken')
  if (secretsFile) showSealedTo(secretsFile)
  if (!against) return
  if (against.agrees) return finding(`agrees with ${against.path}`)
  finding(` from ${against.path}:`, 'differs')
  for (const difference of against.differences) finding(`  ${differenceText(difference)}`)
}

function counted(texts: string[]): Map<string, number> {
  const times = new Map<string, number>()
  for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1)
  return times
}

function showSealedTo({ path, agrees, foreign, stale, missing, unused }: SealedTo) {
  const say = (what: string, names: string[]) => {
    if (names.length) finding(`${what}: ${names.join(', ')}`)
  }
  if (agrees) finding(`sealed to ${path}, as it stands now`)
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
