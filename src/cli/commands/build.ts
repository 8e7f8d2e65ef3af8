import { Option, type Command } from '@commander-js/extra-typings'
import { KmsBuildError } from '../../errors.js'
import type { Options } from '../../options/types.js'
import { count, dim, emphasis, print, printJson, warn } from '../support/output.js'
import {
  contextOption,
  example,
  fileOption,
  jsonOption,
  keyOption,
  profileOption,
  regionOption,
  secretsOptions,
  type SharedFlags,
  several,
} from '../support/shared-options.js'

export function addBuild(program: Command) {
  const command = program
    .command('build')
    .description(
      "Bundle Lambda functions with esbuild, for tools that take no plugins: ES modules with all their packages. After -- follow esbuild's own options.",
    )
    .usage('ENTRY... --outdir <folder> [options] [-- --minify …]')
    .argument('<entry...>')
    .requiredOption('-o, --outdir <folder>', 'folder of the bundles')
    .addOption(
      new Option('--runtime <name>', 'nodejs22.x (default) or nodejs24.x')
        .choices(['nodejs22.x', 'nodejs24.x'])
        .default('nodejs22.x'),
    )
    .addOption(keyOption('KMS key, without a secrets file'))
    .addOption(contextOption())
    .addOption(fileOption())
    .option('--pin <sha256:…>', 'pin of the secrets file; repeatable', several)
    .addOption(
      new Option(
        '--mode <mode>',
        'envelope (default), or direct: one kms:Decrypt per secret',
      ).choices(['envelope', 'direct']),
    )
    .addOption(
      new Option('--plaintext-literals <what>', 'allow, warn (default) or error').choices([
        'allow',
        'warn',
        'error',
      ]),
    )
    .option('--except <name>', 'secret that the output may contain; repeatable', several)
    .addOption(regionOption())
    .addOption(profileOption())
    .addOption(jsonOption('{ files, others, warnings, runtime }'))
    .configureOutput({
      outputError: (text, write) =>
        write(
          /unknown option/.test(text)
            ? `${text.replace(/=.*/, "'")}esbuild's own options follow after --\n`
            : text,
        ),
    })
    .action(async (operands, flags) => {
      const [{ bundleFunctions }, { readEsbuildFlags }] = await Promise.all([
        import('../../bundle/bundle.js'),
        import('../../bundle/esbuild-flags.js'),
      ])
      // After -- come esbuild's options only, and no entry begins with a dash.
      const entries = operands.filter((operand) => !operand.startsWith('-'))
      if (!entries.length)
        throw new KmsBuildError('ARGUMENT_INVALID', 'no entry: give a module before the --.')
      const bundled = await bundleFunctions({
        entries,
        outdir: flags.outdir,
        runtime: flags.runtime,
        kms: pluginOptions(flags),
        esbuild: readEsbuildFlags(operands.filter((operand) => operand.startsWith('-'))),
      })
      bundled.warnings.forEach(warn)
      if (bundled.others.length)
        warn(
          `${count(bundled.others.length, 'other file')} in ${flags.outdir}, not written by this build and not searched for plaintexts: ${some(bundled.others)}. Delete the files of earlier builds.`,
        )
      if (flags.json) return printJson(bundled)
      for (const { path, bytes } of bundled.files)
        print(`${emphasis(path)}  ${dim(`${(bytes / 1024).toFixed(1)} KB`)}`)
    })
  example(command, 'npx unplugin-kms build src/*.ts --outdir dist --key alias/orders -- --minify')
}

interface PluginFlags extends SharedFlags {
  key?: string[] | undefined
  context?: Record<string, string> | undefined
  pin?: string[] | undefined
  mode?: Options['mode']
  plaintextLiterals?: Options['plaintextLiterals']
  except?: string[] | undefined
}

const pluginOptions = (flags: PluginFlags): Options => ({
  ...secretsOptions(flags),
  ...(flags.key && { keyId: flags.key }),
  ...(flags.context && { encryptionContext: flags.context }),
  ...(flags.pin && { pin: flags.pin }),
  ...(flags.mode && { mode: flags.mode }),
  ...(flags.plaintextLiterals && { plaintextLiterals: flags.plaintextLiterals }),
  ...(flags.except && { leakCheck: { except: flags.except } }),
})

const some = (paths: string[]) =>
  paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and others` : paths.join(', ')
