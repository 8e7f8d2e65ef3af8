import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rspack, type RspackPluginInstance } from '@rspack/core'
import { expect, it } from 'vitest'
import webpack from 'webpack'
import { localPair, project, secretsFile } from '../support/project.js'

const COMPILERS = { webpack: webpack as unknown as typeof rspack, rspack }

it.each(['webpack', 'rspack'] as const)(
  'transforms modules with the loader that the package publishes, under %s',
  async (name) => {
    const root = await project({
      'main.mjs': `import { secret } from 'unplugin-kms/secret'\nexport const key = secret.named('KEY')\n`,
    })
    const path = join(root, 'kms-secrets.json')
    await secretsFile(path, { KEY: 'a value of a test' }, localPair())
    const { default: kms } = (await import(`unplugin-kms/${name}`)) as {
      default: (options: object) => RspackPluginInstance
    }
    const compiler = COMPILERS[name]({
      context: root,
      target: 'node',
      mode: 'development',
      devtool: 'source-map',
      entry: './main.mjs',
      output: { path: join(root, 'out') },
      plugins: [kms({ secretsFile: path })],
    })
    const used = new Set<string>()
    compiler.hooks.compilation.tap('test', (compilation) =>
      compilation.hooks.succeedModule.tap('test', (module) => {
        const { loaders = [] } = module as { loaders?: { loader: string }[] }
        for (const { loader } of loaders) used.add(loader.replaceAll('\\', '/'))
      }),
    )
    const stats = await new Promise<{ hasErrors(): boolean } | undefined>((resolve, reject) =>
      compiler.run((error, result) => (error ? reject(error) : resolve(result))),
    )
    expect(stats?.hasErrors()).toBe(false)
    expect([...used].join('\n')).toContain(`/dist/unplugin/${name}-transform.mjs`)
    const code = await readFile(join(root, 'out/main.js'), 'utf8')
    const map = await readFile(join(root, 'out/main.js.map'), 'utf8')
    expect(code).toContain('kms:v1:')
    expect(JSON.parse(map)).toMatchObject({ sources: expect.arrayContaining([expect.any(String)]) })
  },
)
