// What `unplugin-kms/secret` resolves to for one importer, which the URL of this module names.
import { registeredSecrets } from './hooks.js'

const path = new URL(import.meta.url).searchParams.get('importer')!
export const secret = registeredSecrets().marker(path, 'esm')
