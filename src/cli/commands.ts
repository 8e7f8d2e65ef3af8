import type { Command } from '@commander-js/extra-typings'

/** A command whose declaration is loaded when it is run, or when its help is printed. */
export interface LazyCommand {
  /** Its name and required arguments, as the main help shows them. */
  usage: string
  summary: string
  /** Returns the function that declares it. Absent for `local`, which is another program. */
  load?: () => Promise<(program: Command) => void>
}

/** The commands that the main help describes. */
export const MAIN: LazyCommand[] = [
  {
    usage: 'init',
    summary: 'Create a secrets file, or a scope in it, with a data key pair',
    load: async () => (await import('./commands/init.js')).addInit,
  },
  {
    usage: 'set <name>',
    summary: 'Seal a value, from a hidden prompt or stdin',
    load: async () => (await import('./commands/set.js')).addSet,
  },
  {
    usage: 'get <name...>',
    summary: 'Print values',
    load: async () => (await import('./commands/get.js')).addGet,
  },
  {
    usage: 'list',
    summary: 'List names, sizes and fingerprints',
    load: async () => (await import('./commands/list.js')).addList,
  },
  {
    usage: 'import <path>',
    summary: 'Seal the values of a dotenv file',
    load: async () => (await import('./commands/import.js')).addImport,
  },
  {
    usage: 'edit',
    summary: 'Edit the values in $EDITOR',
    load: async () => (await import('./commands/edit.js')).addEdit,
  },
  {
    usage: 'run <command...>',
    summary: 'Run a command with the secrets in its environment',
    load: async () => (await import('./commands/run.js')).addRun,
  },
  {
    usage: 'rotate',
    summary: 'Create a new data key pair and seal everything again',
    load: async () => (await import('./commands/rotate.js')).addRotate,
  },
  {
    usage: 'build <entry...>',
    summary: 'Bundle Lambda functions with esbuild',
    load: async () => (await import('./commands/build.js')).addBuild,
  },
  {
    usage: 'inspect <path...>',
    summary: 'List the secrets of a built bundle',
    load: async () => (await import('./commands/inspect.js')).addInspect,
  },
  {
    usage: 'page',
    summary: 'Create a page that seals values in a browser',
    load: async () => (await import('./commands/page.js')).addPage,
  },
  {
    usage: 'scan',
    summary: 'Search build output for plaintexts',
    load: async () => (await import('./commands/scan.js')).addScan,
  },
  {
    usage: 'policy <whose>',
    summary: 'Print the least IAM policy',
    load: async () => (await import('./commands/policy.js')).addPolicy,
  },
  {
    usage: 'doctor',
    summary: 'Diagnose why secrets cannot be decrypted',
    load: async () => (await import('./commands/doctor.js')).addDoctor,
  },
  {
    usage: 'fleet',
    summary: 'Find deployed functions with earlier values',
    load: async () => (await import('./commands/fleet.js')).addFleet,
  },
  { usage: 'local', summary: 'Run a command against an embedded KMS' },
]

/** The commands that the main help only names. */
export const MORE: LazyCommand[] = [
  {
    usage: 'unset',
    summary: 'Delete an entry',
    load: async () => (await import('./commands/unset.js')).addUnset,
  },
  {
    usage: 'rename',
    summary: 'Rename an entry',
    load: async () => (await import('./commands/rename.js')).addRename,
  },
  {
    usage: 'encrypt',
    summary: "Turn plaintext secret('…') literals into tokens",
    load: async () => (await import('./commands/encrypt.js')).addEncrypt,
  },
  {
    usage: 'decrypt',
    summary: 'Turn sealed literals back into plaintext',
    load: async () => (await import('./commands/decrypt.js')).addDecrypt,
  },
  {
    usage: 'rewrap',
    summary: 'Move the private keys to another KMS key or context',
    load: async () => (await import('./commands/rewrap.js')).addRewrap,
  },
  {
    usage: 'merge',
    summary: 'Merge secrets files entry by entry, for git',
    load: async () => (await import('./commands/merge.js')).addMerge,
  },
  {
    usage: 'export',
    summary: 'Print the values as dotenv, JSON or shell',
    load: async () => (await import('./commands/export.js')).addExport,
  },
  {
    usage: 'diff',
    summary: 'Compare the secrets files of two stages',
    load: async () => (await import('./commands/diff.js')).addDiff,
  },
  {
    usage: 'textconv',
    summary: 'Print a secrets file for git diff',
    load: async () => (await import('./commands/textconv.js')).addTextconv,
  },
  {
    usage: 'completion',
    summary: 'Print a completion script for a shell',
    load: async () => (await import('./commands/completion.js')).addCompletion,
  },
]

export const nameOf = ({ usage }: LazyCommand): string => usage.split(' ')[0]!
