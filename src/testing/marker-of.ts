import { secret, type As } from '@unplugin-kms/runtime/secret'
import type { Source } from '../pipeline/collect/mark.js'
import type { StaticValue } from '../syntax/static-value.js'

/** What the call of a mark opens. */
export interface Call {
  /** The secret's name, for errors. */
  label: string
  as: As | undefined
  /** The plaintext, or a function that opens it when the secret is first awaited. */
  plaintext: Uint8Array | (() => Promise<Uint8Array>)
}

/** Finds the mark that a call at run time belongs to, by its arguments. */
export type FindCall = (source: Source, values: StaticValue[]) => Call

type Mark = (...values: StaticValue[]) => unknown

/** The marker as one module sees it: `secret('…')`, `secret.env('…')`. */
export type Marker = Mark & Record<Exclude<Source, 'literal'>, Mark>

/** Returns a marker whose calls return what was found for them. */
export function markerOf(find: FindCall): Marker {
  const of =
    (source: Source): Mark =>
    (...values) =>
      open(find(source, values))
  return Object.assign(of('literal'), {
    env: of('env'),
    file: of('file'),
    named: of('named'),
    ssm: of('ssm'),
    secretsManager: of('secretsManager'),
    ciphertext: of('ciphertext'),
    from: of('from'),
  })
}

/** Returns a value, or the lazy promise of production. */
function open({ label, as, plaintext }: Call): unknown {
  if (typeof plaintext === 'function')
    return secret(label, as, async () => Buffer.from(await plaintext()))
  if (as === 'bytes') return new Uint8Array(plaintext)
  const text = Buffer.from(plaintext).toString()
  return as ? JSON.parse(text) : text
}
