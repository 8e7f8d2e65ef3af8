import { envelope as mlKemEnvelope } from '@unplugin-kms/runtime/ml-kem'
import { openToken } from '@unplugin-kms/runtime/open-token'
import { direct, envelope } from '@unplugin-kms/runtime/shim'
import { suiteOf } from '../crypto/suites.js'
import type { Mark } from '../pipeline/collect/mark.js'
import { DEV } from '../pipeline/emit/dev.js'
import { envelopeArguments, SHIM } from '../pipeline/emit/shim.js'
import type { BuildSession } from '../pipeline/session.js'

/** Carries out the call that a mark becomes in a dev server, and returns the plaintext. */
export async function openMark(
  mark: Mark,
  path: string,
  session: BuildSession,
): Promise<Uint8Array> {
  const [call] = await session.calls(path, [mark], {
    target: { platform: 'node', command: 'serve', format: 'esm' },
    watch: () => {},
  })
  const { from, args, export: exported } = call!
  if (from === DEV) return Buffer.from(args[0] as string, 'base64')
  if (from === SHIM) {
    const [wrapped, context, label, , settings] = args as Parameters<typeof direct>
    return (await direct(wrapped, context, label, 'bytes', settings)) as Uint8Array
  }
  const fingerprint = from.slice(from.lastIndexOf('.') + 1)
  const { pair, options } = (await session.pairOptions(fingerprint))!
  const pairArgs = envelopeArguments(pair, options)
  const open = suiteOf(pair) === 'P-256' ? envelope(...pairArgs) : mlKemEnvelope(...pairArgs)
  const format = exported === 'openBuilt' ? openToken : undefined
  const [token, label] = args as [string, string]
  return (await open(token, label, 'bytes', format)) as Uint8Array
}
