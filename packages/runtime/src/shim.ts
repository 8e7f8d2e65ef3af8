import { decryptOnce, type Settings } from './decrypt.js'
import { limit } from './limit.js'
import { importKey } from './open.js'
import type { Wrapped } from './request.js'
import { secret, type As } from './secret.js'
import { shared } from './shared.js'

export type { As, Settings, Wrapped }

/** What emitted code holds in place of a mark. */
export type Secret = Promise<unknown>

export function envelope(
  wrapped: Wrapped[],
  context: Record<string, string>,
  settings: Settings,
): (token: string, label: string, as?: As) => Secret {
  const unwrap = (shared()[JSON.stringify([wrapped, context]) as '['] ??= decryptOnce(wrapped, context, { start: 'load', ...settings }, importKey))
  return (token, label, as) => secret(label, as, async () => (await unwrap())(token, label))
}

export function direct(
  wrapped: Wrapped[],
  context: Record<string, string>,
  label: string,
  as?: As,
  settings?: Settings,
): Secret {
  const decrypt = decryptOnce(wrapped, context, {...settings, start: 'first-use'}, (plaintext) => plaintext)
  return secret(label, as, () => limit(decrypt))
}
