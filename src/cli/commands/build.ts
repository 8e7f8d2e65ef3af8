import { Option, type Command } from 'commander'
import type { BundleOptions } from '../../bundle/bundle.js'
import { KmsBuildError } from '../../errors.js'
import type { Options } from '../../options/types.js'
import { count, dim, emphasis, print, printJson, warn } from '../support/output.js'
import {
  awsOptions,
  contextPair,
  example,
  secretsOptions,
  several,
  withAws,
  withFile,
  type AwsFlags,
  type FileFlags,
} from '../support/shared-options.js'

interface Flags extends FileFlags, AwsFlags {
  outdir: string
  runtime: NonNullable<BundleOptions['runtime']>
  key?: string[]
  context?: Record<string, string>
  pin?: string[]
  mode?: NonNullable<Options['mode']>
  plaintextLiterals?: NonNullable<Options['plaintextLiterals']>
  except?: string[]
  json?: boolean
}

export function addBuild(program: Command) {
  const command = withAws(withFile(program.command('build')))
    .summary('bundle Lambda functions with esbuild')
    .description(
      "bundle Lambda functions with esbuild, for tools that take no plugins: ES modules with all their packages. Behind -- stand esbuild's own options.",
    )
    .usage('ENTRY... --outdir <folder> [options] [-- --minify …]')
    .argument('<entry...>')
    .requiredOption('-o, --outdir <folder>', 'where the bundles go')
    .addOption(
      new Option('--runtime <name>', 'nodejs22.x (default) or nodejs24.x')
        .choices(['nodejs22.x', 'nodejs24.x'])
        .default('nodejs22.x'),
    )
    .option('-k, --key <id>', 'KMS key, if no secrets file says it; repeatable', several)
    .option('-c, --context <name=value>', 'encryption context; repeatable', contextPair)
    .option('--pin <sha256:…>', "the secrets file's public key; repeatable", several)
    .addOption(
      new Option('--mode <mode>', 'envelope (default), or direct: a kms:Decrypt each').choices([
        'envelope',
        'direct',
      ]),
    )
    .addOption(
      new Option('--plaintext-literals <what>', 'allow, warn (default) or error').choices([
        'allow',
        'warn',
        'error',
      ]),
    )
    .option('--except <name>', 'a secret that may stand in the output; repeatable', several)
    .option('--json', 'print { files, others, warnings, runtime }')
    .configureOutput({
      outputError: (text, write) =>
        write(
          /unknown option/.test(text)
            ? `${text.replace(/=.*/, "'")}esbuild's own options stand behind --\n`
            : text,
        ),
    })
    .action(async (operands: string[], flags: Flags) => {
      const [{ bundleFunctions }, { readEsbuildFlags }] = await Promise.all([
        import('../../bundle/bundle.js'),
        import('../../bundle/esbuild-flags.js'),
      ])
      // Behind -- nothing is ours, and an entry never begins so.
      const entries = operands.filter((operand) => !operand.startsWith('-'))
      if (!entries.length)
        throw new KmsBuildError('ARGUMENT_INVALID', 'no entry: name a module before the --.')
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
          `${count(bundled.others.length, 'other file')} in ${flags.outdir}, not of this build and not searched for plaintexts: ${some(bundled.others)}. Delete what is left from earlier.`,
        )
      if (flags.json) return printJson(bundled)
      for (const { path, bytes } of bundled.files)
        print(`${emphasis(path)}  ${dim(`${(bytes / 1024).toFixed(1)} KB`)}`)
    })
  example(command, 'npx unplugin-kms build src/*.ts --outdir dist --key alias/orders -- --minify')
}

const pluginOptions = (flags: Flags): Options => ({
  ...awsOptions(flags),
  ...secretsOptions(flags),
  ...(flags.key && { keyId: flags.key }),
  ...(flags.context && { encryptionContext: flags.context }),
  ...(flags.pin && { pin: flags.pin }),
  ...(flags.mode && { mode: flags.mode }),
  ...(flags.plaintextLiterals && { plaintextLiterals: flags.plaintextLiterals }),
  ...(flags.except && { proof: { except: flags.except } }),
})

const some = (paths: string[]) =>
  paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and others` : paths.join(', ')
