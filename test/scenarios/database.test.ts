import { readFile, writeFile } from 'node:fs/promises'
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startLocalKms, type LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { invokeLambda } from '../../fixtures/lambda-runtime/index.mjs'
import { ABSENT, startPostgres } from './postgres.js'
import { functionEnv, scenario, type Scenario } from './scenario.js'

const FUNCTION = { LambdaFunctionName: 'function' }
/** Each login is a database user of its own, so that an answer says which one it was. */
const LOGINS = {
  environment: { user: 'orders_by_environment', password: 'Tr0ub4dor-and-3-variables' },
  literal: { user: 'orders_by_literal', password: 'Tr0ub4dor-and-3-literals' },
  parameter: { user: 'orders_by_parameter', password: 'Tr0ub4dor-and-3-parameters' },
}
type Login = keyof typeof LOGINS

describe.skipIf(ABSENT)(
  `a function that connects to PostgreSQL${ABSENT ? `: ${ABSENT}` : ''}`,
  () => {
    let kms: LocalKms
    let postgres: Awaited<ReturnType<typeof startPostgres>>
    let project: Scenario
    let bundle: string
    let env: Record<string, string>
    beforeAll(async () => {
      kms = await startLocalKms()
      const { arn: KeyId } = await kms.createKey({ alias: 'alias/app' })
      const config = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
      postgres = await startPostgres()
      for (const { user, password } of Object.values(LOGINS))
        await postgres.createUser(user, password)

      const ssm = new SSMClient(config)
      for (const [name, Value] of Object.entries(LOGINS.parameter)) {
        const Name = `/orders/db/${name}`
        await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString', KeyId }))
      }
      const client = new KMSClient(config)
      const encrypted = async (text: string) => {
        const request = { KeyId, Plaintext: Buffer.from(text), EncryptionContext: FUNCTION }
        const { CiphertextBlob } = await client.send(new EncryptCommand(request))
        return Buffer.from(CiphertextBlob!).toString('base64')
      }
      const { user, password } = LOGINS.environment
      const role = functionEnv(kms, 'orders', {
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: KeyId,
      })
      env = {
        ...role.env,
        ...postgres.env,
        DB_USER: await encrypted(user),
        DB_PASSWORD: await encrypted(password),
      }
      project = await scenario('database')
      bundle = await project.build(kms.env, 'dist/handler.cjs')
    })
    afterAll(() => Promise.all([postgres?.stop(), kms?.close(), project?.remove()]))

    const invoke = async (path: string, login: Login, others: Record<string, string> = {}) =>
      (await invokeLambda({ bundle: path, events: [{ login }], env: { ...env, ...others } }))
        .outcomes[0]

    it.each(Object.keys(LOGINS) as Login[])('signs in with its login from: %s', async (login) => {
      expect(await invoke(bundle, login)).toEqual({ answer: { user: LOGINS[login].user } })
    })

    it('has no login in its bundle', async () => {
      const text = await readFile(bundle, 'utf8')
      for (const { user, password } of Object.values(LOGINS)) {
        expect(text).not.toContain(user)
        expect(text).not.toContain(password)
      }
    })

    it('is rejected by PostgreSQL if it decrypts another password', async () => {
      const outcome = await invoke(bundle, 'environment', { DB_PASSWORD: env.DB_USER! })
      expect(outcome).toMatchObject({
        error: { errorMessage: expect.stringContaining('password authentication failed') },
      })
    })

    describe('fails with our error before it connects, under a wrong encryption context:', () => {
      it.each<[Login, () => Promise<[path: string, env?: Record<string, string>]>]>([
        ['environment', async () => [bundle, { AWS_LAMBDA_FUNCTION_NAME: 'another' }]],
        ['literal', async () => [await withChange('context', '"app": "orders"', '"app": "other"')]],
        [
          'parameter',
          async () => [await withChange('arn', 'parameter/orders/db/user"', 'parameter/other"')],
        ],
      ])('%s', async (login, wrong) => {
        const before = postgres.connections
        const [path, others] = await wrong()
        const outcome = await invoke(path, login, others)
        expect(outcome).toMatchObject({ error: { errorType: 'KmsSecretError' } })
        const { errorMessage } = (outcome as { error: { errorMessage: string } }).error
        expect(errorMessage).toMatch(/InvalidCiphertextException.*\[KMS_FAILED]$/)
        expect(postgres.connections).toBe(before)
      })
    })

    /** The bundle with one text changed, as another build would have written it. */
    async function withChange(name: string, from: string, to: string): Promise<string> {
      const text = await readFile(bundle, 'utf8')
      expect(text).toContain(from)
      const path = bundle.replace('handler', name)
      await writeFile(path, text.replaceAll(from, to))
      return path
    }
  },
)
