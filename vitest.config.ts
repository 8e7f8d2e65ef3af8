import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests of which `npm test` runs a part, and `npm run test:matrix` all (test/support/combinations.ts). */
const COMBINATIONS = [
  'test/bundlers/{adversarial,both-ways,matrix}/*.test.ts',
  'test/bundlers/{configuration-arrays,maps,post-quantum,process-env,reproducible,served,sync}.test.ts',
  'test/main-job/{main-job,verify-aws}.test.ts',
  'test/aws/{aws-cli,faults}.test.ts',
  'test/cli/{crash,foreign-text,tools,values}.test.ts',
  'test/fleet/{fleet,worker}.test.ts',
  'test/pages/{other-browsers,report,seal,seal-ml-kem}.test.ts',
  'test/inspect/inspect.test.ts',
  'test/pipeline/collect/by-tokens.test.ts',
  'test/pipeline/leak-check/{candidates,encoders,views}.test.ts',
  'test/crypto/ml-kem-vectors.test.ts',
  'packages/local-kms/test/{clients/aws-command,server/load}.test.ts',
  'packages/runtime/test/process.test.ts',
]

/**
 * Tests that share modules, which a worker loads once. They restore what they change of the process, and no helper
 * of theirs registers a hook when it is loaded.
 */
const SHARED = [
  'test/{bad-input,bundlers,crypto,detector,embedded,options,pipeline,scenarios,secrets,secrets-file,util}/**/*.test.ts',
  'test/{aws,cdk,docs,doctor,inspect,main-job,policy}/*.test.ts',
  'packages/local-kms/test/{auth,iam,kms,policy,secretsmanager,ssm,sts}/**/*.test.ts',
  'packages/local-kms/test/clients/{aws-sdk,boto3,moto}.test.ts',
  'packages/local-kms/test/server/{faults,faults-services,journal,stores-conformance}.test.ts',
]

/** Tests that run the command line program, which test/cli/build-program.ts builds for them. */
const PROGRAM = [
  'test/{cli,fleet,pages}/**/*.test.ts',
  'test/aws/{errors,proxy}.test.ts',
  'test/doctor/{changes-nothing,command}.test.ts',
  'test/{inspect,policy}/command.test.ts',
]
const globalSetup = 'test/cli/build-program.ts'
const shared = { isolate: false, setupFiles: 'test/support/leaves-no-trace.ts' }

export default defineConfig(({ mode }) => {
  const isMatrix = mode === 'matrix'
  const projects = isMatrix
    ? [
        { ...shared, name: 'matrix', include: COMBINATIONS, exclude: ['packages/**'], globalSetup },
        { name: 'matrix-isolated', include: COMBINATIONS, exclude: ['test/**'] },
      ]
    : [
        { ...shared, name: 'shared', include: SHARED, exclude: PROGRAM },
        { ...shared, name: 'program', include: PROGRAM, globalSetup },
        {
          name: 'isolated',
          include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          exclude: [...SHARED, ...PROGRAM],
        },
      ]
  return {
    test: {
      projects: projects.map((test) => ({ extends: true as const, test })),
      // Only a hang should reach these: a slow or busy machine must not fail a test.
      testTimeout: 300_000,
      hookTimeout: 300_000,
      expect: { poll: { timeout: 290_000, interval: 20 } },
      // Many tests wait for a process or for time; the default on two cores is one worker.
      maxWorkers: Math.max(3, availableParallelism()),
      reporters: process.env.CI
        ? ['default', ['json', { outputFile: `.cache/tests/${isMatrix ? 'matrix' : 'test'}.json` }]]
        : ['default'],
      // Nothing of the developer's own AWS set-up may reach a test, or a test AWS.
      env: {
        ...(isMatrix && { COMBINATIONS: 'all' }),
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: '',
        AWS_SECRET_ACCESS_KEY: '',
        AWS_SESSION_TOKEN: '',
        AWS_PROFILE: '',
        AWS_REGION: '',
        AWS_DEFAULT_REGION: '',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    },
  }
})
