import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { internals } from '../internals.mjs'
import { secretName, secretValue } from './secrets.mjs'

const { fingerprintOf, seal, newSecretsFile, writeSecretsFile } = await internals(
  'crypto/data-key-pair',
  'crypto/seal',
  'secrets-file/serialize',
)

/** How a module says that it wants a secret. */
const SAYS = {
  // What a replace plugin replaces, and a build without a plugin leaves.
  plain: (name) => `process.env.${name}`,
  // Sealed by the build.
  env: (name) => `secret.env('${name}')`,
  // Sealed beforehand: all that the plugin does but sealing and searching.
  named: (name) => `secret.named('${name}')`,
}

/**
 * Writes a TypeScript project: a tree of modules, each with two to four others that it imports, and
 * one module in so many with marks.
 *
 * @param kind one of `SAYS`.
 * @returns the folder; the entry is `src/main.ts` there.
 */
export async function writeProject(folder, { modules, marks, kind }) {
  const marksOf = new Map()
  for (let mark = 0; mark < marks; mark++) {
    const module = moduleOf(mark, { modules, marks })
    marksOf.set(module, [...(marksOf.get(module) ?? []), mark])
  }
  for (let index = 0; index < modules; index++) {
    const path = join(folder, pathOf(index))
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, moduleText(index, modules, marksOf.get(index) ?? [], SAYS[kind]))
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "sideEffects": true }\n')
  writeFileSync(join(folder, 'tsconfig.json'), '{ "compilerOptions": { "target": "es2022" } }\n')
  await writeSecrets(join(folder, 'kms-secrets.json'), kind === 'named' ? marks : 0)
  return folder
}

/** The module that contains a mark. */
export const moduleOf = (mark, { modules, marks }) =>
  1 + (Math.floor((mark * modules) / marks) % (modules - 1))

/** Writes a secrets file with a data key pair and as many secrets. */
export async function writeSecrets(path, count) {
  const { publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { format: 'der', type: 'spki' },
    privateKeyEncoding: { format: 'der', type: 'pkcs8' },
  })
  const keyId = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555'
  const wrapped = [{ keyId, ciphertextBlob: 'AAAA' }]
  const fingerprint = fingerprintOf(publicKey)
  const file = newSecretsFile(path, { fingerprint, publicKey, wrapped, encryptionContext: {} })
  const pair = file.current.get('default')
  for (let index = 0; index < count; index++) {
    const name = secretName(index)
    file.secrets.set(name, await seal(pair, 'named', Buffer.from(secretValue(index)), name))
  }
  await writeSecretsFile(file)
}

export const pathOf = (index) =>
  index ? `src/area-${index % 40}/module-${index}.ts` : 'src/main.ts'

const FAN = 4
const METHODS = 6

function moduleText(index, modules, marks, says) {
  const children = Array.from({ length: FAN }, (_, child) => index * FAN + child + 1).filter(
    (child) => child < modules,
  )
  const from = (other) => (index ? `../../${pathOf(other)}` : `../${pathOf(other)}`).slice(0, -3)
  const lines = [
    ...(marks.length && says !== SAYS.plain
      ? [`import { secret } from 'unplugin-kms/secret'`]
      : []),
    ...children.map(
      (child) => `import { Service${child}, type Item${child} } from '${from(child)}'`,
    ),
    '',
    `export interface Item${index} {`,
    `  readonly id: string`,
    `  readonly created: Date`,
    ...children.map((child) => `  of${child}?: Item${child} | undefined`),
    '}',
    '',
    ...marks.map((mark) => `const key${mark} = ${says(secretName(mark))}`),
    '',
    `/** Keeps the items of area ${index % 40}, newest first. */`,
    `export class Service${index} {`,
    `  readonly #items = new Map<string, Item${index}>()`,
    ...children.map((child) => `  readonly service${child} = new Service${child}()`),
    '',
    ...Array.from({ length: METHODS }, (_, method) => methodText(index, method)).flat(),
    ...marks.flatMap((mark) => [
      `  async authorise${mark}(request: Request): Promise<void> {`,
      `    request.headers.set('authorization', \`Bearer \${await key${mark}}\`)`,
      '  }',
      '',
    ]),
    '}',
    '',
    index ? '' : `export const root = new Service0()`,
  ]
  return lines.join('\n')
}

const methodText = (index, method) => [
  `  /** Adds what the ${method}th caller of service ${index} asked for, unless it is there already. */`,
  `  async add${method}(id: string, options: { replace?: boolean; at?: Date } = {}): Promise<Item${index}> {`,
  `    const known = this.#items.get(id)`,
  `    if (known && !options.replace) {`,
  `      throw new RangeError(\`service ${index} has \${id} since \${known.created.toISOString()}\`)`,
  '    }',
  `    const item: Item${index} = { id: \`\${id}-${method}\`, created: options.at ?? new Date() }`,
  `    this.#items.set(id, item)`,
  `    return [...this.#items.values()].sort((a, b) => +b.created - +a.created)[${method}] ?? item`,
  '  }',
  '',
]
