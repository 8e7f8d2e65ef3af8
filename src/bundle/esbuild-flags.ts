import type { BuildOptions } from 'esbuild'
import { KmsBuildError } from '../errors.js'

/** The options of esbuild's command line, by the form of their values. */
const FLAGS = {
  /** `--minify`, `--minify=false` */
  switch: [
    'allow-overwrite',
    'ignore-annotations',
    'jsx-dev',
    'jsx-side-effects',
    'keep-names',
    'mangle-quoted',
    'minify',
    'minify-identifiers',
    'minify-syntax',
    'minify-whitespace',
    'preserve-symlinks',
    'sourcemap',
    'sources-content',
    'splitting',
    'tree-shaking',
  ],
  /** `--format=cjs` */
  text: [
    'asset-names',
    'charset',
    'chunk-names',
    'entry-names',
    'format',
    'global-name',
    'jsx',
    'jsx-factory',
    'jsx-fragment',
    'jsx-import-source',
    'legal-comments',
    'outbase',
    'packages',
    'platform',
    'public-path',
    'source-root',
    'sourcemap',
    'tsconfig',
    'tsconfig-raw',
  ],
  /** `--main-fields=module,main` */
  list: ['conditions', 'drop-labels', 'main-fields', 'resolve-extensions', 'target'],
  /** `--external:pg`, several times */
  several: ['drop', 'external', 'inject', 'pure'],
  /** `--loader:.pem=text`, several times */
  map: [
    'alias',
    'banner',
    'define',
    'footer',
    'loader',
    'log-override',
    'out-extension',
    'supported',
  ],
} as const

type Kind = keyof typeof FLAGS

/**
 * Parses options of esbuild's command line. esbuild itself parses them only in its command, which does
 * not support plugins.
 *
 * @throws KmsBuildError ARGUMENT_INVALID, which names the option and never its value.
 */
export function readEsbuildFlags(flags: string[]): BuildOptions {
  const options: Record<string, unknown> = {}
  for (const flag of flags) {
    const { name, key, value } = parts(flag)
    const option = name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const kind = kindOf(name, key, value)
    if (kind === 'switch') options[option] = value !== 'false'
    else if (kind === 'text') options[option] = value
    else if (kind === 'list') options[option] = value!.split(',')
    else if (kind === 'several')
      options[option] = [...((options[option] as [] | undefined) ?? []), key]
    else {
      const typed = name === 'supported' ? value === 'true' : value
      options[option] = { ...(options[option] as object), [key!]: typed }
    }
  }
  return options
}

/** Parses `--name`, `--name=value`, `--name:key` and `--name:key=value`. */
function parts(flag: string): { name: string; key?: string; value?: string } {
  const [, name, key, value] = /^--([\w-]+)(?::([^=]*))?(?:=([^]*))?$/.exec(flag) ?? []
  if (!name) throw rejected('an argument', 'write it --name, --name=value or --name:key')
  return { name, ...(key !== undefined && { key }), ...(value !== undefined && { value }) }
}

function kindOf(name: string, key: string | undefined, value: string | undefined): Kind {
  const kinds = (Object.keys(FLAGS) as Kind[]).filter((kind) =>
    (FLAGS[kind] as readonly string[]).includes(name),
  )
  if (!kinds.length) throw rejected(`--${name}`, REASONS.get(name) ?? 'esbuild has no such option')
  const written: Kind[] = key
    ? [value === undefined ? 'several' : 'map']
    : value === undefined || /^(true|false)$/.test(value)
      ? ['switch']
      : ['text', 'list']
  const kind = kinds.find((one) => written.includes(one))
  if (kind) return kind
  throw rejected(`--${name}`, `write it ${kinds.map((one) => FORMS[one](name)).join(' or ')}`)
}

const FORMS: Record<Kind, (name: string) => string> = {
  switch: (name) => `--${name}`,
  text: (name) => `--${name}=VALUE`,
  list: (name) => `--${name}=ONE,TWO`,
  several: (name) => `--${name}:VALUE`,
  map: (name) => `--${name}:KEY=VALUE`,
}

/** Why this command rejects an option of esbuild. */
const REASONS = new Map([
  ['bundle', 'it always bundles'],
  ['outdir', 'give --outdir before the --'],
  ['outfile', 'give --outdir before the --'],
  ['serve', 'it builds once; call unplugin-kms/esbuild from a script'],
  ['watch', 'it builds once; call unplugin-kms/esbuild from a script'],
])

const rejected = (what: string, why: string) =>
  new KmsBuildError('ARGUMENT_INVALID', `${what} is not accepted as an option of esbuild: ${why}.`)
