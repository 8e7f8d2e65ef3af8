import { join } from 'node:path'
import {
  CreateSecretCommand,
  SecretsManagerClient,
  type CreateSecretCommandInput,
} from '@aws-sdk/client-secrets-manager'
import {
  LabelParameterVersionCommand,
  PutParameterCommand,
  SSMClient,
  type PutParameterCommandInput,
} from '@aws-sdk/client-ssm'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { expect } from 'vitest'
import type { Options } from '../../../src/options/types.js'
import { BUNDLERS } from '../../support/bundle.js'
import { filesIn, project } from '../../support/project.js'
import { exportsOf } from '../../support/run.js'

export const IMPORT = `import { secret } from 'unplugin-kms/secret'\n`
export const VALUE = 'hunter2-correct-horse'
const [esbuild] = BUNDLERS

/** An AWS account of a test file: the embedded services, one key, and an administrator's clients. */
export async function startAccount() {
  const kms = await startLocalKms()
  const { arn: keyId } = await kms.createKey({ alias: 'alias/app' })
  const config = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  const ssm = new SSMClient(config)
  const secretsManager = new SecretsManagerClient(config)
  return {
    kms,
    keyId,
    putParameter: (
      input: Pick<PutParameterCommandInput, 'Name'> & Partial<PutParameterCommandInput>,
    ) =>
      ssm.send(
        new PutParameterCommand({
          Value: VALUE,
          Type: 'SecureString',
          ...((input.Type ?? 'SecureString') === 'SecureString' && { KeyId: keyId }),
          ...input,
        }),
      ),
    labelParameter: (Name: string, ParameterVersion: number, label: string) =>
      ssm.send(new LabelParameterVersionCommand({ Name, ParameterVersion, Labels: [label] })),
    createSecret: (input: CreateSecretCommandInput) =>
      secretsManager.send(new CreateSecretCommand(input)),
    options: optionsFor(kms, keyId),
    close: () => kms.close(),
  }
}

export type Account = Awaited<ReturnType<typeof startAccount>>

export const optionsFor = (
  kms: LocalKms,
  keyId: string | string[],
  credentials = kms.admin.credentials,
): Options => ({
  keyId,
  secretsFile: undefined as never,
  plaintextLiterals: 'allow',
  aws: { endpoint: kms.url, region: kms.region, credentials },
})

/** A user with these permissions and no other. */
export function userWith(kms: LocalKms, name: string, ...actions: string[]) {
  const policies = [
    {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: ['kms:GenerateDataKeyPairWithoutPlaintext', ...actions],
          Resource: '*',
        },
      ],
    },
  ]
  return kms.createUser({ name, policies })
}

/** Bundles a module, and returns its decrypted exports, its code, and the calls of both. */
export async function opened({ kms }: Account, code: string, options: Options) {
  const root = await project({ 'src/main.ts': IMPORT + code })
  const calls = () => kms.journal.map(({ service, operation }) => `${service}:${operation}`)
  const before = calls().length
  const { outputs, warnings } = await esbuild!.bundle({ root, options })
  const atBuild = calls().slice(before)
  const text = Object.values(await filesIn(join(root, 'out'))).join('\n')
  const values = await exportsOf(outputs[0]!, kms.env)
  return {
    values,
    text,
    warnings,
    atBuild,
    atRun: calls().slice(before + atBuild.length),
    output: outputs[0]!,
  }
}

/** Bundles `export default CODE`, expects one error of this code at the place, without a value, and returns its message. */
export async function refused(
  code: string,
  options: Options,
  errorCode: string,
  place = '2:16',
): Promise<string> {
  const root = await project({ 'src/main.ts': `${IMPORT}export default ${code}` })
  const failure: unknown = await esbuild!.bundle({ root, options }).then(
    () => null,
    (error: unknown) => error,
  )
  expect(failure, 'the build succeeded').not.toBeNull()
  const text = allText(failure)
  expect(text).toContain(`[${errorCode}]`)
  expect(text).toContain(`src/main.ts:${place}: `)
  expect(text).not.toContain(VALUE)
  expect(text).not.toContain(Buffer.from(VALUE).toString('base64'))
  expect(await filesIn(join(root, 'out'))).toEqual({})
  return text
}

/** Returns all properties of an error, hidden or not, because a bundler may print any of them. */
function allText(error: unknown, seen = new Set<unknown>()): string {
  if (error instanceof Uint8Array) return Buffer.from(error).toString()
  if (typeof error !== 'object' || error === null) return String(error)
  if (seen.has(error)) return ''
  seen.add(error)
  return Object.getOwnPropertyNames(error)
    .map((key) => `${key}: ${allText((error as Record<string, unknown>)[key], seen)}`)
    .join('\n')
}
