import { direct, envelope } from '@unplugin-kms/runtime/shim'
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
  const [opening] = await session.openings(path, [mark], {
    target: { platform: 'node', command: 'serve', format: 'esm' },
    watch: () => {},
  })
  const { from, args } = opening!
  if (from === DEV) return Buffer.from(args[0] as string, 'base64')
  if (from === SHIM) {
    const [wrapped, context, label, , settings] = args as Parameters<typeof direct>
    return (await direct(wrapped, context, label, 'bytes', settings)) as Uint8Array
  }
  const fingerprint = from.slice(from.lastIndexOf('.') + 1)
  const { pair, options } = (await session.pairOptions(fingerprint))!
  const open = envelope(...envelopeArguments(pair, options))
  const [token, label] = args as [string, string]
  return (await open(token, label, 'bytes')) as Uint8Array
}
