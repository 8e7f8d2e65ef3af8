import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { encodeToken } from '../../src/crypto/token.js'
import { readSecretsFile } from '../../src/secrets-file/parse.js'
import { workspace, type Ran, type Workspace } from '../cli/cli.js'
import { opened } from '../inspect/sealed.js'
import { zip } from '../inspect/zip.js'

/** An account with functions, and a project whose secrets they contain. */
export interface Deployment {
  kms: LocalKms
  role: string
  at: Workspace
  /** Runs a command; the exit code must be `code`. */
  ran(args: string[], stdin?: string, code?: number): Promise<Ran>
  /** Options of `examineFleet` for the project and the account. */
  options(): { secretsFiles: string[]; aws: object }
  /** Code that contains the entry as the secrets file has it now. */
  code(): Promise<string>
  /** The zip of that code. */
  bundle(more?: Record<string, string>): Promise<Buffer>
}

/** Creates an account and a project with the entry `DB_PASSWORD`. The caller closes `kms`. */
export async function deployment(): Promise<Deployment> {
  const kms = await startLocalKms({ journalLimit: 100_000 })
  const role = kms.createRole({ name: 'app' }).arn
  await kms.createKey({ alias: 'alias/app' })
  const at = await workspace()
  Object.assign(at.env, kms.env)
  const ran = async (args: string[], stdin?: string, code = 0) => {
    const result = await at.cli(args, stdin === undefined ? {} : { stdin })
    if (result.code !== code) throw new Error(`${args.join(' ')}: ${result.code} ${result.stderr}`)
    return result
  }
  await ran(['init', '--key', 'alias/app'])
  await ran(['set', 'DB_PASSWORD'], 'first-value')
  const code = async () => {
    const { secrets, pairs } = (await readSecretsFile(at.path('kms-secrets.json')))!
    const token = secrets.get('DB_PASSWORD')!
    return `const open = ${opened(pairs.get(token.fingerprint)!)};\nexport const p = open("${encodeToken(token)}", "DB_PASSWORD");\n`
  }
  return {
    kms,
    role,
    at,
    ran,
    code,
    options: () => ({
      secretsFiles: [at.path('kms-secrets.json')],
      aws: { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials },
    }),
    bundle: async (more = {}) => zip({ 'package.json': '{}', 'index.mjs': await code(), ...more }),
  }
}
