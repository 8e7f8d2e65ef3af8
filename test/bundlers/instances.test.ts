import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import kmsEsbuild from '../../src/bundlers/esbuild.js'
import kmsRolldown from '../../src/bundlers/rolldown.js'
import kmsRollup from '../../src/bundlers/rollup.js'
import kmsRspack from '../../src/bundlers/rspack.js'
import kmsVite from '../../src/bundlers/vite.js'
import kmsWebpack from '../../src/bundlers/webpack.js'
import type { Options } from '../../src/options/types.js'
import { project } from '../support/project.js'
import { bench, buildProject, expectClean, printed, type Bench } from './fixture.js'
import type { HostName } from './hosts.js'

let shared: Bench
beforeAll(async () => void (shared = await bench()))
afterAll(() => shared.close())

const PLUGINS: [HostName, (options: Options) => unknown][] = [
  ['esbuild', kmsEsbuild],
  ['rollup', kmsRollup],
  ['rolldown', kmsRolldown],
  ['vite', kmsVite],
  ['webpack', kmsWebpack],
  ['rspack', kmsRspack],
]
const marked = (name: string) =>
  `import { secret } from 'unplugin-kms/secret'\nexport const ${name} = secret.env('KEY')\n`
const VALUES = { one: 'planted-value-of-one-7Q', two: 'planted-value-of-two-8R' }

describe('two instances in one build', () => {
  it.each(PLUGINS)('seal the modules that each of them includes under %s', async (host, kms) => {
    const root = await project({
      'src/main.ts': `import { one } from './one.js'\nimport { two } from './two.js'\nPromise.all([one, two]).then((all) => console.log(JSON.stringify(all)))\n`,
      'src/one.ts': marked('one'),
      'src/two.ts': marked('two'),
    })
    const own = (name: 'one' | 'two'): Options => ({
      include: new RegExp(`${name}\\.ts$`),
      secretsFile: undefined as never,
      keyId: shared.arn,
      encryptionContext: { name },
      aws: shared.aws,
      env: { KEY: VALUES[name] },
    })
    const built = await buildProject(shared, host, root, {
      maps: 'file',
      after: [kms(own('two'))],
      options: own('one'),
    })
    expect(built.failed, built.terminal).toBe(false)
    expectClean(built, { plaintexts: Object.values(VALUES) })
    expect(await printed(shared, built, { plaintexts: [] }, '.mjs')).toEqual(Object.values(VALUES))
  })
})
