import { isUtf8 } from 'node:buffer'
import type { Command } from '@commander-js/extra-typings'
import { KmsBuildError } from '../../errors.js'
import type { SecretsOptions } from '../../secrets-file/locate.js'
import { count, note, print, warn } from '../support/output.js'
import {
  example,
  fileOption,
  scopeOf,
  scopeOption,
  secretsOptions,
  trustOption,
} from '../support/shared-options.js'
import { hasByteOrderMark, readValue } from '../support/value.js'

async function setTokenOf(name: string, token: string, options: SecretsOptions) {
  const { setToken } = await import('../../secrets/set-token.js')
  const { path, result, warnings } = await setToken(name, token, options)
  warnings.forEach(warn)
  print(`${result.replaced.length ? 'replaced' : 'added'} ${name} in ${path}`)
  note('The name is checked when the token is decrypted: npx unplugin-kms get NAME')
}

export function addSet(program: Command) {
  const command = program
    .command('set')
    .description('Seal a value into the secrets file, from a hidden prompt or stdin. Needs no AWS.')
    .argument('<name>', 'name for secret.named(NAME)')
    .option('--from-file <path>', 'read the value from a file, byte for byte')
    .option('--token <token>', 'token that was sealed for this name, for example by a page')
    .addOption(scopeOption('scope of the entry (default: default)'))
    .option('--generate [kind]', 'generate it: a length (default: 32), uuid or hex; prints nothing')
    .addOption(fileOption())
    .addOption(trustOption())
    .action(async (name, flags) => {
      if (flags.token !== undefined) return setTokenOf(name, flags.token, secretsOptions(flags))
      const { checkName } = await import('../../secrets-file/names.js')
      const { existingPath, existingSecretsFile } = await import('../../secrets-file/locate.js')
      const { currentPair, hasScopes } = await import('../../secrets-file/scopes.js')
      const { setSecret } = await import('../../secrets/set.js')
      const options = secretsOptions(flags)
      // Fail before the prompt, not after the value was typed.
      checkName(name)
      await existingPath(options)
      const file = await existingSecretsFile(options)
      currentPair(file, flags.scope)
      if (flags.generate !== undefined) {
        if (flags.fromFile !== undefined)
          throw new KmsBuildError('ARGUMENT_INVALID', 'give --generate or --from-file, not both.')
        const { generateValue } = await import('../../secrets/generate.js')
        const kind = flags.generate === true ? '32' : flags.generate
        const { warnings } = await setSecret(name, generateValue(kind), {
          ...options,
          ...scopeOf(flags),
        })
        return warnings.forEach(warn)
      }
      const value = await readValue(name, flags.fromFile)
      const { path, result, warnings } = await setSecret(name, value, {
        ...options,
        ...scopeOf(flags),
      })
      const text = isUtf8(value)
      const hasMark = hasByteOrderMark(value)
      value.fill(0)
      warnings.forEach(warn)
      print(
        `${result.replaced.length ? 'replaced' : 'added'} ${name} in ${hasScopes(file) ? `the scope ${result.scope} of ` : ''}${path} (${count(value.length, 'byte')})`,
      )
      if (hasMark) warn('the value begins with a byte order mark, which is part of the secret')
      if (!text) note(`it is not UTF-8 text: read it with secret.named('${name}', 'bytes')`)
    })
  example(
    command,
    'npx unplugin-kms set DB_PASSWORD',
    'pass show db | npx unplugin-kms set DB_PASSWORD',
    'npx unplugin-kms set TLS_KEY --from-file key.pem',
    'npx unplugin-kms set SESSION_KEY --generate hex',
  )
}
