import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Settings } from '@unplugin-kms/runtime/shim'
import { endpointHost } from '../seal/endpoint.js'
import type { DataKeyPair } from '../seal/data-key-pair.js'
import type { AwsOptions } from '../options.js'

/**
 * What emitted code imports. Relative, so that no `external` option that speaks of packages takes
 * it out of the bundle; it resolves to a module that exists only in the build.
 */
export const SHIM = './unplugin-kms.shim'

/** A data key pair's export in the shim module. */
export const pairExport = (fingerprint: string) => `p_${fingerprint}`

/**
 * The shim module of a build: the run-time code, then one export for each data key pair. All of it
 * is free of side effects until used, so that a bundle carries only what its secrets need.
 */
export async function shimModule(
  pairs: Iterable<DataKeyPair>,
  runtime: Settings,
  aws: AwsOptions,
): Promise<string> {
  // Found from here and not from the user's project: strict package managers hide it from there.
  const path = createRequire(import.meta.url).resolve('@unplugin-kms/runtime/shim')
  const lines = [...pairs].map(({ fingerprint, wrapped, encryptionContext }) => {
    const blobs = wrapped.map(({ keyId, ciphertextBlob }) => [keyId, endpointHost(keyId, aws), ciphertextBlob])
    const args = [blobs, encryptionContext, runtime].map((arg) => JSON.stringify(arg)).join(', ')
    return `export const ${pairExport(fingerprint)} = /* @__PURE__ */ envelope(${args});\n`
  })
  return (await readFile(path, 'utf8')) + lines.join('')
}
