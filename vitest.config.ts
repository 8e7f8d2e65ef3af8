import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests of which `npm test` runs a part, and `npm run test:matrix` all (test/support/combinations.ts). */
const COMBINATIONS = [
  'test/bundlers/{adversarial,both-ways,matrix}/*.test.ts',
  'test/bundlers/{post-quantum,process-env}.test.ts',
  'test/aws/aws-cli.test.ts',
  'test/cli/{crash,values}.test.ts',
  'test/pipeline/leak-check/encoders.test.ts',
  'test/crypto/ml-kem-vectors.test.ts',
]

/**
 * Tests that share modules, which a worker loads once. They restore what they change of the process, and no helper
 * of theirs registers a hook when it is loaded.
 */
const SHARED = [
  'test/{bad-input,crypto,detector,options,pipeline,secrets,secrets-file}/**/*.test.ts',
  'packages/local-kms/test/{auth,iam,kms,policy,secretsmanager,ssm,sts}/**/*.test.ts',
]

export default defineConfig(({ mode }) => {
  const isMatrix = mode === 'matrix'
  const projects = isMatrix
    ? [{ name: 'matrix', include: COMBINATIONS }]
    : [
        { name: 'shared', include: SHARED, isolate: false },
        {
          name: 'isolated',
          include: ['test/**/*.test.ts', 'packages/*/test/**/*.test.ts'],
          exclude: SHARED,
        },
      ]
  return {
    test: {
      projects: projects.map((test) => ({ extends: true as const, test })),
      // Only a hang should reach these: a slow or busy machine must not fail a test.
      testTimeout: 300_000,
      hookTimeout: 300_000,
      expect: { poll: { timeout: 290_000, interval: 20 } },
      // Most of a test is waiting for a bundler or a process; the default on two cores is one worker.
      maxWorkers: Math.max(2, availableParallelism() - 1),
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
