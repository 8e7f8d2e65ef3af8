import { execFileSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import type { LocalKms } from '@unplugin-kms/local-kms'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { patternOf } from '../../src/fleet/deployed.js'
import { examineFleet } from '../../src/fleet/fleet.js'
import { usesOf } from '../../src/fleet/uses.js'
import { triesAll } from '../support/combinations.js'
import type { Workspace } from '../cli/cli.js'
import { zip } from '../inspect/zip.js'
import { deployment, type Deployment } from './deployment.js'

describe('patternOf', () => {
  it('matches complete names, with * for any characters', () => {
    expect(patternOf('orders-*').test('orders-api')).toBe(true)
    expect(patternOf('orders-*').test('my-orders-api')).toBe(false)
    expect(patternOf('a.b').test('axb')).toBe(false)
  })
})

describe('fleet', () => {
  let kms: LocalKms
  let role: string
  let at: Workspace
  let ran: Deployment['ran']
  let code: Deployment['code']
  let bundle: Deployment['bundle']
  let options: Deployment['options']

  beforeAll(async () => {
    ;({ kms, role, at, ran, code, bundle, options } = await deployment())
  })
  afterAll(() => kms.close())

  it('examines hundreds of functions, of which some cannot be read', async () => {
    const count = triesAll ? 1000 : 160
    const first = await bundle()
    await ran(['set', 'DB_PASSWORD'], 'second-value')
    const second = await bundle()
    const none = zip({ 'a.js': 'export {}' })
    const arns = Array.from({ length: count - 2 }, (_, index) =>
      kms.createFunction({
        name: `many-${index}`,
        role,
        code: [first, second, none][index % 3]!,
      }),
    )
    const damaged = kms.createFunction({
      name: 'many-damaged',
      role,
      code: second.subarray(0, second.length - 30),
    })
    const imageUri = '111122223333.dkr.ecr.us-east-1.amazonaws.com/app:1'
    const image = kms.createFunction({ name: 'many-image', role, imageUri })
    // On the first page of the list, whatever its order, and not among the first eight.
    const vanishing = arns[11]!
    kms.faults.add({ operation: 'GetFunction', kind: 'throttle', times: 20 })
    const before = await readdir(tmpdir())
    let done = 0
    const fleet = await examineFleet({
      ...options(),
      onProgress: (finished) => {
        if (finished === 1) kms.deleteFunction(vanishing)
        done = finished
      },
    })
    expect(done).toBe(count)
    const stateOf = (name: string) =>
      fleet.functions.find((one) => one.name === name)?.secrets.map(({ state }) => state)
    expect(stateOf('many-0')).toEqual(['stale'])
    expect(stateOf('many-1')).toEqual(['current'])
    expect(stateOf('many-2')).toBeUndefined()
    expect(fleet.functions.some(({ id }) => id === vanishing)).toBe(false)
    expect(fleet.examined).toBe(count - 1)
    expect(fleet.redeploy).toHaveLength(Math.ceil((count - 2) / 3))
    const notRead = fleet.functions.filter((one) => one.notRead.length)
    expect(notRead.map(({ name }) => name)).toEqual(['many-damaged', 'many-image'])
    const written = (await readdir(tmpdir())).filter((name) => !before.includes(name))
    expect(written.filter((name) => /\.zip$|fleet/.test(name))).toEqual([])
    for (const arn of [...arns, damaged, image]) if (arn !== vanishing) kms.deleteFunction(arn)
  })

  it('reads the code of layers', async () => {
    const layer = kms.publishLayerVersion({ name: 'secrets', code: await bundle() })
    const code = zip({ 'a.js': '' })
    const arn = kms.createFunction({ name: 'layered', role, layers: [layer], code })
    const { functions } = await examineFleet({ ...options(), functions: ['layered'] })
    expect(functions).toMatchObject([
      { name: 'layered', version: '$LATEST', secrets: [{ name: 'DB_PASSWORD', state: 'current' }] },
    ])
    kms.deleteFunction(arn)
  })

  it('reads a layer once, however many functions have it', async () => {
    const layer = kms.publishLayerVersion({ name: 'shared', code: await bundle() })
    const code = zip({ 'a.js': '' })
    const arns = ['one', 'two', 'three'].map((name) =>
      kms.createFunction({ name: `sharing-${name}`, role, layers: [layer], code }),
    )
    const before = kms.journal.length
    const { functions } = await examineFleet({ ...options(), functions: ['sharing-*'] })
    expect(functions.map(({ secrets }) => secrets[0]!.state)).toEqual(Array(3).fill('current'))
    const calls = kms.journal.slice(before).map(({ operation }) => operation)
    expect(calls.filter((name) => name === 'GetLayerVersionByArn')).toHaveLength(1)
    for (const arn of arns) kms.deleteFunction(arn)
  })

  it('reports a stale token whose name a minifier put elsewhere', async () => {
    const stale = (await code()).replace(
      /export const p = open\((".*?"),/,
      'var t=$1;export const p = open(t,',
    )
    await ran(['set', 'DB_PASSWORD'], 'value-after-the-constant')
    const current = (await code()).replace(
      /export const p = open\((".*?"),/,
      'var t=$1;export const p = open(t,',
    )
    const filler = `/*${'x'.repeat(20_000)}*/`
    const arns = Object.entries({ stale, current }).map(([name, text]) =>
      kms.createFunction({ name: `loose-${name}`, role, code: zip({ 'a.mjs': text + filler }) }),
    )
    const { functions } = await examineFleet({ ...options(), functions: ['loose-*'] })
    expect(functions.map(({ name, secrets }) => [name, secrets[0]])).toMatchObject([
      ['loose-current', { name: 'DB_PASSWORD', state: 'current' }],
      ['loose-stale', { name: null, state: 'stale' }],
    ])
    for (const arn of arns) kms.deleteFunction(arn)
  })

  it('examines the published versions that aliases point to', async () => {
    const earlier = await bundle()
    const arn = kms.createFunction({ name: 'versioned', role, code: earlier })
    const version = kms.publishVersion(arn)
    kms.putFunctionAlias(arn, { name: 'live', version })
    await ran(['set', 'DB_PASSWORD'], 'value-after-publishing')
    kms.updateFunctionCode(arn, await bundle())
    const { functions } = await examineFleet({ ...options(), functions: ['versioned'] })
    expect(
      functions.map(({ version, aliases, secrets }) => [version, aliases, secrets[0]!.state]),
    ).toEqual([
      ['$LATEST', [], 'current'],
      [version, ['live'], 'stale'],
    ])
    kms.deleteFunction(arn)
  })

  it('examines only functions with the tags', async () => {
    const code = await bundle()
    const arns = [
      kms.createFunction({ name: 'tagged', role, code, tags: { team: 'a' } }),
      kms.createFunction({ name: 'untagged', role, code }),
    ]
    const fleet = await examineFleet({ ...options(), tags: { team: 'a' } })
    expect(fleet.functions.map(({ name }) => name)).toEqual(['tagged'])
    for (const arn of arns) kms.deleteFunction(arn)
  })

  it('needs no permission but those that policy fleet prints', async () => {
    const arn = kms.createFunction({ name: 'allowed', role, code: await bundle() })
    const policy = JSON.parse((await ran(['policy', 'fleet'])).stdout) as never
    const { credentials } = kms.createUser({ name: 'auditor', policies: [policy] })
    const aws = { ...options().aws, credentials }
    const fleet = await examineFleet({ ...options(), aws, functions: ['allowed'] })
    expect(fleet.functions).toMatchObject([{ name: 'allowed', secrets: [{ state: 'current' }] }])
    expect(fleet.notes).toEqual([expect.stringContaining('lambda:ListAliases')])
    kms.deleteFunction(arn)
  })

  it('treats a function that was not read as a user of every pair', () => {
    const uses = usesOf({
      functions: [
        { id: 'f', name: 'f', version: '$LATEST', aliases: [], secrets: [], notRead: ['an image'] },
      ],
      examined: 1,
      redeploy: [],
      notes: [],
    })
    expect([...uses]).toEqual([['', ['function f, which was not read: an image']]])
  })

  it('follows a leaked value until no deployed function needs the earlier pair', async () => {
    const leaked = await bundle()
    const [api, worker] = ['api', 'worker'].map((name) =>
      kms.createFunction({ name, role, code: leaked }),
    )
    await ran(['set', 'DB_PASSWORD'], 'replaced-value')
    const reported = await ran(['fleet'], undefined, 1)
    expect(reported.stdout.match(/DB_PASSWORD: stale/g)).toHaveLength(2)

    await ran(['rotate'])
    const kept = await ran(['rotate', '--prune', '--fleet'])
    expect(kept.stdout).toContain(`function ${worker}`)
    expect(kept.stdout).not.toContain('dropped')

    kms.updateFunctionCode(api!, await bundle())
    const { stdout } = await ran(['fleet', '--json'], undefined, 1)
    expect((JSON.parse(stdout) as { redeploy: string[] }).redeploy).toEqual([worker])
    expect((await ran(['rotate', '--prune', '--fleet'])).stdout).not.toContain('dropped')

    kms.updateFunctionCode(worker!, await bundle())
    await ran(['fleet'])
    expect((await ran(['rotate', '--prune', '--fleet'])).stdout).toContain('dropped')
    for (const arn of [api, worker]) kms.deleteFunction(arn!)
  })

  it('reports why functions cannot be listed, with the exit code of AWS errors', async () => {
    const { credentials } = kms.createUser({ name: 'nobody' })
    const as = (env: Record<string, string>) => at.cli(['fleet'], { env })
    const denied = await as({
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    })
    expect(denied).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/policy fleet.*\[LAMBDA_DENIED\]\n$/) as string,
    })
    const rejected = await as({ AWS_SECRET_ACCESS_KEY: 'another' })
    expect(rejected).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('[LAMBDA_DENIED]') as string,
    })
    const unreached = await as({
      AWS_ENDPOINT_URL_LAMBDA: 'http://127.0.0.1:1',
      UNPLUGIN_KMS_AWS_TIMEOUT_MS: '500',
    })
    expect(unreached).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/127\.0\.0\.1:1.*\[LAMBDA_FAILED\]\n$/) as string,
    })
    const without = await as({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
    expect(without).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/--profile.*\[CREDENTIALS_MISSING\]\n$/) as string,
    })
  })

  it('dates a replaced value by the git history', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        cwd: at.folder,
        stdio: 'pipe',
      })
    git('init', '-q')
    git('add', 'kms-secrets.json')
    git('commit', '-qm', 'one')
    const earlier = await bundle()
    await ran(['set', 'DB_PASSWORD'], 'later-value')
    git('commit', '-qam', 'two')
    const arn = kms.createFunction({ name: 'dated', role, code: earlier })
    const fleet = await examineFleet({ ...options(), functions: ['dated'], since: '1 year ago' })
    expect(fleet.functions[0]!.secrets[0]).toMatchObject({
      state: 'stale',
      replacedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
    })
    kms.deleteFunction(arn)
  })
})

it('reports runtimes that cannot open the ML-KEM secrets of their functions', async () => {
  const { kms, role, at, ran, bundle, options } = await deployment()
  onTestFinished(() => kms.close())
  const p256 = await bundle()
  await ran(['rotate', '--post-quantum'])
  const mlKem = await bundle()
  const arns = [
    { name: 'suite-p256', runtime: 'nodejs22.x', code: p256 },
    { name: 'suite-20', runtime: 'nodejs20.x', code: mlKem },
    { name: 'suite-22', runtime: 'nodejs22.x', code: mlKem },
    { name: 'suite-24', runtime: 'nodejs24.x', code: mlKem },
  ].map((one) => kms.createFunction({ ...one, role }))
  const { functions, redeploy } = await examineFleet({ ...options(), functions: ['suite-*'] })
  expect(
    functions.map(({ name, secrets, unsupportedRuntime }) => [
      name,
      secrets[0]!.suite,
      secrets[0]!.state,
      unsupportedRuntime,
    ]),
  ).toEqual([
    ['suite-20', 'ML-KEM-1024', 'current', 'nodejs20.x'],
    ['suite-22', 'ML-KEM-1024', 'current', 'nodejs22.x'],
    ['suite-24', 'ML-KEM-1024', 'current', undefined],
    ['suite-p256', undefined, 'earlier pair', undefined],
  ])
  expect(redeploy).toEqual([expect.stringContaining('suite-p256')])
  kms.deleteFunction(arns[0]!)
  const { stdout } = await ran(['fleet', '--function', 'suite-*'], undefined, 1)
  expect(stdout).toContain('nodejs22.x cannot open its ML-KEM secrets: they need nodejs24.x')
  const html = at.path('fleet.html')
  await ran(['fleet', '--function', 'suite-*', '--html', html], undefined, 1)
  expect(await readFile(html, 'utf8')).toContain('runs on nodejs20.x, which cannot open')
})
