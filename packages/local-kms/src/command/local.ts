import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { AwsError, LocalKmsError } from '../errors.js'
import { formatEntry } from '../protocol/journal.js'
import type { LocalKms } from '../local-kms.js'
import { startLocalKms } from '../start.js'
import { clientEnv, shellLines } from './client-env.js'
import { FAULT_SYNTAX, parseDuration, parseFault } from './fault-spec.js'
import { addPrincipals, credentialsAs } from './principals-file.js'
import { runChild } from './run-child.js'

export const LOCAL_HELP = `\
usage: unplugin-kms local [options] (-- COMMAND [ARGUMENT…] | --port N)

Run COMMAND against an embedded KMS, or keep it running. Neither calls AWS.

  --dir DIR            folder of the keys (default: .kms-local here or above)
  --memory             keep the keys in memory only
  --key alias/NAME     key to create if the alias does not exist; repeatable
  --region REGION      default: AWS_REGION, AWS_DEFAULT_REGION, or us-east-1
  --host HOST          address to listen on (default 127.0.0.1)
  --principals FILE    JSON: { "users": [{ "name", "policies" }], "roles": … }
  --as user/N|role/N   principal of COMMAND (default: an administrator)
  --clock-offset TIME  offset of the service's clock: 20m, -1h
  -v, --verbose        print every call
  --fault FAULT        fault to inject; repeatable
${FAULT_SYNTAX}
Example:
  $ npx unplugin-kms local --key alias/orders -- npm test
`

export interface LocalIo {
  stdout: (text: string) => void
  stderr: (text: string) => void
  /** Stops a server that runs without a command. Default: SIGINT or SIGTERM. */
  signal?: AbortSignal
}

const PROCESS_IO: LocalIo = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
}

/**
 * Runs `unplugin-kms local`.
 *
 * @param argv the arguments after `local`
 * @returns the exit code: that of the command, 2 for a usage error, 4 for an unusable state folder
 */
export async function runLocal(argv: string[], io: LocalIo = PROCESS_IO): Promise<number> {
  try {
    return await run(argv, io)
  } catch (error) {
    // An AwsError means that the state could not be written.
    const isState = error instanceof AwsError || isStateError(error)
    if (!isState && !(error instanceof LocalKmsError) && !isUsageError(error)) throw error
    io.stderr(`unplugin-kms local: ${(error as Error).message}\n`)
    return isState ? 4 : 2
  }
}

async function run(argv: string[], io: LocalIo): Promise<number> {
  const { values, command } = readArguments(argv)
  if (values.help === true) {
    io.stdout(LOCAL_HELP)
    return 0
  }
  if (command.length === 0 && values.port === undefined) {
    throw usageError('specify a command after --, or --port N to keep the KMS running (see --help)')
  }
  const verbose = values.verbose === true
  const port = readPort(values.port)
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const host = values.host ?? '127.0.0.1'
  const keysAt = where(values)
  const kms = await startLocalKms({
    ...(values.memory !== true && { dir: folderOf(values) }),
    port,
    region: values.region ?? (AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1'),
    host,
    ...(verbose && { onCall: (entry) => io.stderr(`kms ${formatEntry(entry)}\n`) }),
  }).catch((error: NodeJS.ErrnoException) => {
    if (!['listen', 'getaddrinfo'].includes(error.syscall ?? '')) throw error
    throw usageError(
      `cannot listen on ${host}:${port} (${error.code}). Use another --port or --host`,
    )
  })
  try {
    await prepare(kms, values)
    const env = clientEnv(kms.envFor(credentialsAs(kms, values.as)), process.env)
    if (command.length > 0) {
      if (verbose) io.stderr(`kms listening on ${kms.url}\n`)
      const code = await runChild(command, env, (message) =>
        io.stderr(`unplugin-kms local: ${message}\n`),
      )
      if (code === 0)
        io.stderr(`unplugin-kms local: ${calls(kms)} to the embedded KMS, ${keysAt}\n`)
      return code
    }
    io.stdout(shellLines(env))
    io.stderr(`The local KMS listens on ${kms.url}. Stop it with Ctrl-C.\n`)
    await ended(io.signal)
    return 0
  } finally {
    await kms.close()
  }
}

/** Returns the folder of the keys: the nearest `.kms-local` of a parent folder in the same repository. */
function folderOf({ dir }: { dir?: string }): string {
  if (dir !== undefined) return resolve(dir)
  for (let folder = resolve('.'); ; folder = dirname(folder)) {
    const found = join(folder, '.kms-local')
    if (existsSync(found)) return found
    if (existsSync(join(folder, '.git')) || folder === dirname(folder)) return resolve('.kms-local')
  }
}

/** Describes where the keys are stored. */
const where = (values: { memory?: boolean; dir?: string }): string =>
  values.memory === true ? 'keys in memory' : `keys in ${folderOf(values)}`

const calls = ({ journal }: LocalKms): string =>
  journal.length === 1 ? '1 call' : `${journal.length} calls`

function readArguments(argv: string[]) {
  const { values, tokens } = parseArgs({
    args: argv,
    tokens: true,
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      dir: { type: 'string' },
      memory: { type: 'boolean' },
      region: { type: 'string' },
      key: { type: 'string', multiple: true },
      principals: { type: 'string' },
      as: { type: 'string' },
      fault: { type: 'string', multiple: true },
      'clock-offset': { type: 'string' },
      verbose: { type: 'boolean', short: 'v' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const end = tokens.find((token) => token.kind === 'option-terminator')?.index ?? argv.length
  const stray = tokens.find((token) => token.kind === 'positional' && token.index < end)
  if (stray?.kind === 'positional') {
    throw usageError(`'${stray.value}' is not an option. Put -- before the command`)
  }
  return { values, command: argv.slice(end + 1) }
}

async function prepare(
  kms: LocalKms,
  values: ReturnType<typeof readArguments>['values'],
): Promise<void> {
  const { principals } = values
  if (principals !== undefined) {
    await withOptionName(`--principals ${principals}`, () =>
      addPrincipals(kms, JSON.parse(readFileSync(principals, 'utf8'))),
    )
  }
  for (const alias of values.key ?? []) {
    if (!kms.hasAlias(alias)) await withOptionName(`--key ${alias}`, () => kms.createKey({ alias }))
  }
  for (const fault of values.fault ?? []) {
    await withOptionName(`--fault ${fault}`, () => kms.faults.add(parseFault(fault)))
  }
  const offset = values['clock-offset']
  if (offset === undefined) return
  const ms = parseDuration(offset)
  if (ms === undefined)
    throw usageError(`--clock-offset ${offset}: invalid duration. Examples: 20m, -1h`)
  kms.faults.clockOffsetMs = ms
}

function readPort(text: string | undefined): number {
  const port = Number(text ?? 0)
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port
  throw usageError(`--port ${text}: not a port number`)
}

/** Adds the option to the message of an error. */
async function withOptionName(option: string, work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { message, name } = error as Error
    if (error instanceof AwsError && error.status >= 500) throw error
    throw usageError(`${option}: ${message || name}`)
  }
}

function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal !== undefined) signal.addEventListener('abort', () => resolve())
    else for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
  })
}

const usageError = (message: string): LocalKmsError => new LocalKmsError('BAD_OPTION', message)

const isStateError = (error: unknown): boolean =>
  error instanceof LocalKmsError && error.code.startsWith('STATE_')

const isUsageError = (error: unknown): boolean =>
  String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
