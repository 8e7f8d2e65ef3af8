import { openToken } from '@unplugin-kms/runtime/open-token'
import { envelope as openMlKemEnvelope } from '@unplugin-kms/runtime/ml-kem'
import { secret, type As } from '@unplugin-kms/runtime/secret'
import { direct as directSecret, envelope as openEnvelope } from '@unplugin-kms/runtime/shim'

/** Returns the lazy promise of a value that the module contains: the option `dev.values`. */
export const known = (value: string, name: string, as?: As) =>
  secret(name, as, async () => Buffer.from(value, 'base64'))

// Next.js loads every page's modules while it builds, to read their configuration, and renders
// static pages then. A value that is decrypted there could be written to the page's file.
const BUILDS = process.env.NEXT_PHASE === 'phase-production-build'

const refuseToPrerender = (name: string) =>
  secret(name, undefined, async () => {
    throw Object.assign(new Error('prerendering'), {
      code: 'PRERENDERED',
      why: 'awaited while Next.js prerenders a page, whose file would contain it. Render the page per request: await connection() before it, or export const dynamic = "force-dynamic"',
    })
  })

export const envelope: typeof openEnvelope = (...pair) =>
  BUILDS ? (_, name) => refuseToPrerender(name) : openEnvelope(...pair)

export const mlKemEnvelope: typeof openMlKemEnvelope = (...pair) =>
  BUILDS ? (_, name) => refuseToPrerender(name) : openMlKemEnvelope(...pair)

export { openToken }

export const direct: typeof directSecret = (wrapped, context, name, ...rest) =>
  BUILDS ? refuseToPrerender(name) : directSecret(wrapped, context, name, ...rest)
