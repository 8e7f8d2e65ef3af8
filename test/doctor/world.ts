import {
  DecryptCommand,
  EncryptCommand,
  KMSClient,
  PutKeyPolicyCommand,
  type KMSClientConfig,
} from '@aws-sdk/client-kms'
import type { LocalKms, Network, PolicyDocument } from '@unplugin-kms/local-kms'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import type { DoctorOptions } from '../../src/doctor/doctor.js'
import { initSecretsFile } from '../../src/secrets/init.js'
import { setSecret } from '../../src/secrets/set.js'
import { allow, document, principal } from './policies.js'

export const CONTEXT = { app: 'orders' }
export const VALUE = 'hunter2-of-the-orders'
const OTHER_ACCOUNT = '444455556666'

/** How what is looked at differs from a set-up in which all is well. */
export interface Changes {
  /** Of the key, by the role's ARN. Default: the account's IAM policies decide. */
  keyPolicy?: (role: string, kms: LocalKms) => ReturnType<typeof document>
  /** Of the role, by the key's ARN. Default: kms:Decrypt on the key with the context. */
  policies?: (key: string) => PolicyDocument[]
  attached?: (key: string) => PolicyDocument
  boundary?: (key: string) => PolicyDocument
  /** Whether the key belongs to another account than the role. */
  foreignKey?: boolean
  /** Default: that of the function. */
  keyRegion?: string
  multiRegion?: boolean
  environment?: Record<string, string>
  /** Of the function. Default: nodejs22.x. */
  runtime?: string
  imageUri?: string
  network?: Omit<Network, 'vpcId'>
  /** Done to what is there at the end. */
  change?: (world: World) => unknown
}

export interface World {
  kms: LocalKms
  key: string
  alias: string
  role: string
  functionName: string
  secretsFile: string
  options: DoctorOptions
  client: (config?: KMSClientConfig) => KMSClient
  /** Rewrites the secrets file's JSON. */
  edit: (change: (file: any) => unknown) => Promise<void>
}

let count = 0

/** A key, a role that may decrypt with it, a function of that role, and a secrets file. */
export async function world(kms: LocalKms, changes: Changes = {}): Promise<World> {
  const name = `orders-${(count += 1)}`
  const alias = `alias/${name}`
  const region = changes.keyRegion ?? kms.region
  const role = `arn:aws:iam::${kms.accountId}:role/${name}`
  const accountId = changes.foreignKey ? OTHER_ACCOUNT : kms.accountId
  const client = (config: KMSClientConfig = {}) =>
    new KMSClient({ endpoint: kms.url, region, credentials: kms.admin.credentials, ...config })
  const leaveTo = (id: string) => allow('kms:*', '*', principal(`arn:aws:iam::${id}:root`))
  const { arn: key } = await kms.createKey({
    region,
    ...(changes.multiRegion && { multiRegion: true }),
    ...(changes.foreignKey
      ? { accountId, policy: document(leaveTo(accountId), leaveTo(kms.accountId)) }
      : { alias }),
  })
  const condition = {
    Condition: { StringEquals: { 'kms:EncryptionContext:app': CONTEXT.app } },
  }
  kms.createRole({
    name,
    policies: changes.policies?.(key) ?? [document(allow('kms:Decrypt', key, condition))],
    ...(changes.attached && { attachedPolicies: { [`${name}-kms`]: changes.attached(key) } }),
    ...(changes.boundary && { permissionsBoundary: changes.boundary(key) }),
  })
  if (changes.keyPolicy) {
    // The administrator keeps a way in, as KMS asks of a key policy.
    const admin = allow('kms:*', '*', principal(kms.admin.arn))
    const { Statement, ...rest } = changes.keyPolicy(role, kms)
    const Policy = JSON.stringify({ ...rest, Statement: [admin, ...Statement] })
    await client().send(new PutKeyPolicyCommand({ KeyId: key, Policy }))
  }
  const vpcId = `vpc-${name}`
  if (changes.network) kms.createNetwork({ vpcId, ...changes.network })
  kms.createFunction({
    name,
    role,
    ...(changes.environment && { environment: changes.environment }),
    ...(changes.runtime && { runtime: changes.runtime }),
    ...(changes.imageUri && { imageUri: changes.imageUri }),
    ...(changes.network && { vpc: { vpcId, subnetIds: ['subnet-1', 'subnet-2'] } }),
  })
  const folder = await mkdtemp(join(tmpdir(), 'unplugin-kms-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  // Where pins are remembered.
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
  onTestFinished(() => void vi.unstubAllEnvs())
  const secretsFile = join(folder, 'kms-secrets.json')
  const aws = { endpoint: kms.url, region: kms.region, credentials: kms.admin.credentials }
  await initSecretsFile({
    secretsFile,
    keyIds: [key],
    encryptionContext: CONTEXT,
    aws,
    types: false,
  })
  await setSecret('DB_PASSWORD', Buffer.from(VALUE), { secretsFile })
  await setSecret('API_KEY', Buffer.from(`${VALUE}-2`), { secretsFile })
  const made: World = {
    kms,
    key,
    alias,
    role,
    functionName: name,
    secretsFile,
    options: { secretsFile, functionName: name, aws },
    client,
    async edit(change) {
      const file: unknown = JSON.parse(await readFile(secretsFile, 'utf8'))
      await writeFile(secretsFile, JSON.stringify(change(file) ?? file, null, 2))
    },
  }
  await changes.change?.(made)
  return made
}

/** What really happens: whether a session of the role decrypts with the key and the context. */
export async function decrypts({ kms, key, role, client, functionName }: World): Promise<boolean> {
  const { CiphertextBlob } = await client().send(
    new EncryptCommand({ KeyId: key, EncryptionContext: CONTEXT, Plaintext: Buffer.from('x') }),
  )
  const credentials = kms.credentialsOf(role, { sessionName: functionName })
  return client({ credentials })
    .send(new DecryptCommand({ KeyId: key, CiphertextBlob, EncryptionContext: CONTEXT }))
    .then(
      () => true,
      (error: Error) => {
        if (error.name === 'AccessDeniedException') return false
        throw error
      },
    )
}
