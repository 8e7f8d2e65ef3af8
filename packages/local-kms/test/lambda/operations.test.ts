import * as lambda from '@aws-sdk/client-lambda'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type Credentials, type LocalKms } from '../../src/index.js'
import { temporaryFolder } from '../fixtures/temporary-folder.js'

const ZIP = Buffer.from('PK\u0005\u0006 the bytes of a zip', 'latin1')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')

let kms: LocalKms
let role: string
beforeAll(async () => {
  kms = await startLocalKms()
  role = kms.createRole({ name: 'app' }).arn
})
afterAll(() => kms.close())

const clientOf = (credentials: Credentials = kms.admin.credentials, region = kms.region) =>
  new lambda.LambdaClient({ endpoint: kms.url, region, credentials, maxAttempts: 1 })

const userWith = (name: string, ...actions: string[]) =>
  kms.createUser({
    name,
    policies: [
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
      },
    ],
  }).credentials

/** Sends a command that is expected to fail, and returns the error. */
const failure = (client: lambda.LambdaClient, command: object) =>
  client.send(command as lambda.ListFunctionsCommand).then(
    () => expect.unreachable(),
    (error: lambda.LambdaServiceException) => error,
  )

const download = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()), response }
}

describe('GetFunction', () => {
  it('returns the configuration and a URL of the code', async () => {
    const FunctionName = 'orders'
    const environment = { KEY: 'value' }
    const arn = kms.createFunction({ name: FunctionName, role, code: ZIP, environment })
    const { Configuration, Code } = await clientOf().send(
      new lambda.GetFunctionCommand({ FunctionName }),
    )
    expect(Configuration).toMatchObject({
      FunctionName,
      FunctionArn: arn,
      Role: role,
      Runtime: 'nodejs22.x',
      Version: '$LATEST',
      PackageType: 'Zip',
      CodeSize: ZIP.length,
      CodeSha256: sha256(ZIP),
      State: 'Active',
      Environment: { Variables: environment },
    })
    expect(Configuration?.LastModified).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+0000$/)
    expect(Code?.RepositoryType).toBe('S3')
    expect(Code?.Location).toMatch(kms.url)
    expect((await download(Code!.Location!)).body).toEqual(ZIP)
  })

  it('finds a function by name, partial ARN and ARN', async () => {
    const arn = kms.createFunction({ name: 'named', role })
    for (const FunctionName of ['named', '111122223333:function:named', 'function:named', arn]) {
      const { Configuration } = await clientOf().send(
        new lambda.GetFunctionCommand({ FunctionName }),
      )
      expect(Configuration?.FunctionArn).toBe(arn)
    }
  })

  it('reads code from a path', async () => {
    const path = join(temporaryFolder(), 'code.zip')
    await writeFile(path, ZIP)
    kms.createFunction({ name: 'by-path', role, code: path })
    const { Configuration, Code } = await clientOf().send(
      new lambda.GetFunctionCommand({ FunctionName: 'by-path' }),
    )
    expect(Configuration?.CodeSha256).toBe(sha256(ZIP))
    expect((await download(Code!.Location!)).body).toEqual(ZIP)
  })

  it('returns the image of a container function', async () => {
    const imageUri = '111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1'
    kms.createFunction({ name: 'image', role, imageUri })
    const { Configuration, Code } = await clientOf().send(
      new lambda.GetFunctionCommand({ FunctionName: 'image' }),
    )
    expect(Configuration).toMatchObject({ PackageType: 'Image', CodeSize: 0 })
    expect(Configuration).not.toHaveProperty('Runtime')
    expect(Code).toEqual({ RepositoryType: 'ECR', ImageUri: imageUri, ResolvedImageUri: imageUri })
  })

  it('reads published versions and aliases', async () => {
    const arn = kms.createFunction({ name: 'versioned', role, code: ZIP })
    const version = kms.publishVersion(arn)
    kms.putFunctionAlias(arn, { name: 'live', version })
    kms.updateFunctionCode(arn, Buffer.from('new code'))
    const read = async (Qualifier?: string) => {
      const { Configuration, Code } = await clientOf().send(
        new lambda.GetFunctionCommand({ FunctionName: 'versioned', Qualifier }),
      )
      const { body } = await download(Code!.Location!)
      return [Configuration?.Version, Configuration?.FunctionArn, body.toString()]
    }
    expect(await read()).toEqual(['$LATEST', arn, 'new code'])
    expect(await read('live')).toEqual(['1', `${arn}:1`, ZIP.toString()])
    expect(await read('1')).toEqual(['1', `${arn}:1`, ZIP.toString()])
  })

  it('returns tags, or the reason why the caller cannot read them', async () => {
    kms.createFunction({ name: 'tagged', role, tags: { team: 'a' } })
    const command = new lambda.GetFunctionCommand({ FunctionName: 'tagged' })
    expect((await clientOf().send(command)).Tags).toEqual({ team: 'a' })
    const answer = await clientOf(userWith('no-tags', 'lambda:GetFunction')).send(command)
    expect(answer.Tags).toBeUndefined()
    expect(answer.TagsError?.ErrorCode).toBe('AccessDeniedException')
  })

  it('reports a function or version that does not exist', async () => {
    const arn = kms.createFunction({ name: 'exists', role })
    for (const [FunctionName, Qualifier, named] of [
      ['missing', undefined, arn.replace('exists', 'missing')],
      ['exists', '7', `${arn}:7`],
      ['exists', 'nowhere', `${arn}:nowhere`],
    ]) {
      const command = new lambda.GetFunctionCommand({ FunctionName, Qualifier })
      const error = await failure(clientOf(), command)
      expect(error).toMatchObject({
        name: 'ResourceNotFoundException',
        message: `Function not found: ${named}`,
      })
      expect(error.$metadata.httpStatusCode).toBe(404)
    }
  })

  it('does not find a function that was deleted', async () => {
    const arn = kms.createFunction({ name: 'gone', role })
    kms.deleteFunction(arn)
    const error = await failure(clientOf(), new lambda.GetFunctionCommand({ FunctionName: 'gone' }))
    expect(error.name).toBe('ResourceNotFoundException')
  })

  it('does not find a function of another region', async () => {
    kms.createFunction({ name: 'here', role })
    const client = clientOf(undefined, 'eu-west-1')
    const error = await failure(client, new lambda.GetFunctionCommand({ FunctionName: 'here' }))
    expect(error.name).toBe('ResourceNotFoundException')
  })
})

describe('the URL of the code', () => {
  const urlOf = async (name: string) => {
    kms.createFunction({ name, role, code: ZIP })
    const { Code } = await clientOf().send(new lambda.GetFunctionCommand({ FunctionName: name }))
    return Code!.Location!
  }

  it('serves ranges', async () => {
    const url = await urlOf('ranges')
    const last = await download(url, { range: 'bytes=-4' })
    expect([last.status, last.body]).toEqual([206, ZIP.subarray(-4)])
    expect(last.response.headers.get('content-range')).toBe(
      `bytes ${ZIP.length - 4}-${ZIP.length - 1}/${ZIP.length}`,
    )
    expect((await download(url, { range: 'bytes=2-5' })).body).toEqual(ZIP.subarray(2, 6))
    expect((await download(url, { range: 'bytes=3-' })).body).toEqual(ZIP.subarray(3))
    expect((await download(url, { range: `bytes=${ZIP.length}-` })).status).toBe(416)
  })

  it('expires after ten minutes', async () => {
    const url = await urlOf('expires')
    kms.faults.clockOffsetMs = 11 * 60_000
    const { status, body } = await download(url)
    kms.faults.clockOffsetMs = 0
    expect([status, body.toString()]).toEqual([403, expect.stringContaining('Request has expired')])
  })

  it('serves nothing with a changed path or signature', async () => {
    const url = await urlOf('signed')
    await urlOf('other')
    for (const changed of [
      url.replace('signed', 'other'),
      url.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
    ]) {
      const { status, body } = await download(changed)
      expect([status, body.toString()]).toEqual([
        403,
        expect.stringContaining('SignatureDoesNotMatch'),
      ])
    }
  })

  it('can fail as S3 does', async () => {
    const url = await urlOf('throttled')
    kms.faults.add({ kind: 'throttle', operation: 's3:GetObject', times: 1 })
    const { status, body } = await download(url)
    expect([status, body.toString()]).toEqual([503, expect.stringContaining('SlowDown')])
    expect((await download(url)).status).toBe(200)
  })
})

describe('ListFunctions', () => {
  let many: LocalKms
  beforeAll(async () => {
    many = await startLocalKms()
    for (let i = 0; i < 1000; i++) {
      const arn = many.createFunction({ name: `f${i}`, role, code: ZIP })
      if (i === 0) many.publishVersion(arn)
    }
  })
  afterAll(() => many.close())

  const list = async (input: lambda.ListFunctionsCommandInput = {}) => {
    const client = new lambda.LambdaClient({
      endpoint: many.url,
      region: many.region,
      credentials: many.admin.credentials,
    })
    const pages: lambda.FunctionConfiguration[][] = []
    for await (const page of lambda.paginateListFunctions({ client }, input)) {
      pages.push(page.Functions ?? [])
    }
    return pages
  }

  it('lists 1,000 functions in pages of 50', async () => {
    const pages = await list()
    expect(pages.map(({ length }) => length)).toEqual(Array(20).fill(50))
    expect(new Set(pages.flat().map(({ FunctionName }) => FunctionName)).size).toBe(1000)
  })

  it('lists pages of the requested size, and at most 50', async () => {
    expect((await list({ MaxItems: 30 })).map(({ length }) => length).slice(0, 2)).toEqual([30, 30])
    expect((await list({ MaxItems: 1000 }))[0]).toHaveLength(50)
  })

  it('lists all versions with FunctionVersion=ALL', async () => {
    const functions = (await list({ FunctionVersion: 'ALL' })).flat()
    expect(functions).toHaveLength(1001)
    const versions = functions.filter(({ FunctionName }) => FunctionName === 'f0')
    expect(versions.map(({ Version }) => Version).sort()).toEqual(['$LATEST', '1'])
    expect(versions.every(({ FunctionArn, Version }) => FunctionArn?.endsWith(`:${Version}`))).toBe(
      true,
    )
  })

  it('rejects an invalid marker', async () => {
    const error = await failure(clientOf(), new lambda.ListFunctionsCommand({ Marker: 'x' }))
    expect(error.name).toBe('InvalidParameterValueException')
  })

  it('omits the state of functions', async () => {
    const [functions] = await list({ MaxItems: 1 })
    expect(functions![0]).not.toHaveProperty('State')
  })
})

describe('the other operations of Lambda', () => {
  it('lists versions and aliases in pages', async () => {
    const arn = kms.createFunction({ name: 'listed', role, code: ZIP })
    for (let i = 0; i < 3; i++) kms.publishVersion(arn)
    kms.putFunctionAlias(arn, { name: 'blue', version: '1' })
    kms.putFunctionAlias(arn, { name: 'live', version: '2', additionalVersionWeights: { 3: 0.1 } })
    const input = { FunctionName: 'listed', MaxItems: 3 }
    const first = await clientOf().send(new lambda.ListVersionsByFunctionCommand(input))
    const second = await clientOf().send(
      new lambda.ListVersionsByFunctionCommand({ ...input, Marker: first.NextMarker }),
    )
    const versions = [first, second].map(({ Versions }) => Versions?.map(({ Version }) => Version))
    expect(versions.flat().sort()).toEqual(['$LATEST', '1', '2', '3'])
    const { Aliases } = await clientOf().send(new lambda.ListAliasesCommand(input))
    expect(Aliases).toMatchObject([
      { Name: 'blue', FunctionVersion: '1', AliasArn: `${arn}:blue` },
      { Name: 'live', RoutingConfig: { AdditionalVersionWeights: { 3: 0.1 } } },
    ])
    const { FunctionVersion } = await clientOf().send(
      new lambda.GetAliasCommand({ FunctionName: 'listed', Name: 'live' }),
    )
    expect(FunctionVersion).toBe('2')
  })

  it('lists tags', async () => {
    const Resource = kms.createFunction({ name: 'with-tags', role, tags: { a: 'b' } })
    const { Tags } = await clientOf().send(new lambda.ListTagsCommand({ Resource }))
    expect(Tags).toEqual({ a: 'b' })
  })

  it('returns layer versions and their code', async () => {
    const layers = [ZIP, Buffer.from('second')].map((code) =>
      kms.publishLayerVersion({ name: 'shared', code }),
    )
    expect(layers.map((arn) => arn.split(':').at(-1))).toEqual(['1', '2'])
    kms.createFunction({ name: 'layered', role, layers })
    const { Configuration } = await clientOf().send(
      new lambda.GetFunctionCommand({ FunctionName: 'layered' }),
    )
    expect(Configuration?.Layers?.map(({ Arn }) => Arn)).toEqual(layers)
    const byArn = await clientOf().send(new lambda.GetLayerVersionByArnCommand({ Arn: layers[1] }))
    expect((await download(byArn.Content!.Location!)).body.toString()).toBe('second')
    const byName = await clientOf().send(
      new lambda.GetLayerVersionCommand({ LayerName: 'shared', VersionNumber: 1 }),
    )
    expect(byName.Content?.CodeSha256).toBe(sha256(ZIP))
    const missing = new lambda.GetLayerVersionCommand({ LayerName: 'shared', VersionNumber: 3 })
    expect((await failure(clientOf(), missing)).name).toBe('ResourceNotFoundException')
  })
})

describe('errors of Lambda', () => {
  const commands = {
    'lambda:ListFunctions': new lambda.ListFunctionsCommand(),
    'lambda:GetFunction': new lambda.GetFunctionCommand({ FunctionName: 'any' }),
    'lambda:GetFunctionConfiguration': new lambda.GetFunctionConfigurationCommand({
      FunctionName: 'any',
    }),
    'lambda:ListVersionsByFunction': new lambda.ListVersionsByFunctionCommand({
      FunctionName: 'any',
    }),
    'lambda:ListAliases': new lambda.ListAliasesCommand({ FunctionName: 'any' }),
    'lambda:GetAlias': new lambda.GetAliasCommand({ FunctionName: 'any', Name: 'x' }),
    'lambda:ListTags': new lambda.ListTagsCommand({
      Resource: 'arn:aws:lambda:us-east-1:111122223333:function:any',
    }),
    'lambda:GetLayerVersion': new lambda.GetLayerVersionCommand({
      LayerName: 'any',
      VersionNumber: 1,
    }),
  }

  it.each(Object.entries(commands))('denies %s without a policy', async (action, command) => {
    const { credentials } = kms.createUser({ name: `no-${action.replace(':', '-')}` })
    const error = await failure(clientOf(credentials), command)
    expect(error).toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(`is not authorized to perform: ${action}`),
    })
    expect(error.$metadata.httpStatusCode).toBe(403)
  })

  it('answers a throttled call with TooManyRequestsException', async () => {
    kms.faults.add({ kind: 'throttle', operation: 'lambda:ListFunctions', times: 1 })
    const error = await failure(clientOf(), new lambda.ListFunctionsCommand())
    expect(error).toMatchObject({
      name: 'TooManyRequestsException',
      message: 'Rate exceeded',
      Reason: 'CallerRateLimitExceeded',
    })
    expect(error.$metadata.httpStatusCode).toBe(429)
  })

  it('answers a wrong signature with HTTP status 403', async () => {
    const credentials = { ...kms.admin.credentials, secretAccessKey: 'wrong' }
    const error = await failure(
      clientOf(credentials),
      new lambda.ListFunctionsCommand({ MaxItems: 7 }),
    )
    expect([error.name, error.$metadata.httpStatusCode]).toEqual(['InvalidSignatureException', 403])
  })

  it('names an operation that it does not serve', async () => {
    const command = new lambda.DeleteFunctionCommand({ FunctionName: 'any' })
    const error = await failure(clientOf(), command)
    expect(error.message).toContain('does not serve DELETE /2015-03-31/functions/any')
  })
})
