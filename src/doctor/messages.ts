import { parseKeyArn } from '../aws/key-arn.js'
import { ACCESS_MESSAGES } from './access-messages.js'
import { FUNCTION_MESSAGES } from './function-messages.js'
import type { Text } from './message-text.js'

const at = (arn: string) => `--key-id ${arn} --region ${parseKeyArn(arn)!.region}`
const isAlias = (name: string) => name.includes('alias/')
const resolves = (name: string, arn: string) =>
  isAlias(name) ? `${name} resolves to ${arn}` : `the option keyId names ${arn}`

const WHO_CHANGED = 'find out who changed the file (git log), and seal nothing to it until then'

const FILE_MESSAGES = {
  FILE_INVALID: ({ message }: { message: string }): Text => ({ says: message }),
  FILE_VALID: (data: { path: string; entries: number; pairs: number; scopes: string[] }): Text => ({
    says: `${data.path} is valid (entries: ${data.entries}, data key pairs: ${data.pairs}${data.scopes.length ? `, scopes: ${data.scopes.join(', ')}` : ''})`,
  }),
  ENTRIES_STALE: ({ names }: { names: string[] }): Text => ({
    says: `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} sealed to an earlier data key pair`,
    fix: 'npx unplugin-kms rotate seals them again',
  }),
  ENTRIES_CURRENT: (): Text => ({ says: 'every entry is sealed to the current data key pair' }),
  PIN_MISSING: (): Text => ({
    says: 'no pin is set (UNPLUGIN_KMS_PIN) or remembered, so the keys that can decrypt were not compared with trusted ones; --decrypt checks the public keys',
  }),
  PIN_MATCHES: (): Text => ({ says: 'the keys that can decrypt are the trusted ones' }),
  PIN_CHANGED: ({ path, changes }: { path: string; changes: string[] }): Text => ({
    says: `${path}: the set of keys that can decrypt is not the pinned one: ${changes.join('; ')}`,
    fix: WHO_CHANGED,
  }),
  PIN_DIFFERS: ({ message }: { message: string }): Text => ({
    says: message,
    fix: WHO_CHANGED,
  }),
  TOKEN_INVALID: ({ file, reason }: { file: string; reason: string }): Text => ({
    says: `${file} contains a malformed token, which cannot be decrypted: ${reason}`,
    fix: 'build again',
  }),
  PAIR_MISSING: ({ name, fingerprint }: { name?: string; fingerprint: string }): Text => ({
    says: `${name ?? 'a token without a name'} is sealed to the data key pair ${fingerprint}, which the given files do not contain: give all files that the build wrote`,
  }),
  LINK_SKIPPED: ({ link }: { link: string }): Text => ({
    says: `${link} is a link that points out of the bundle`,
  }),
  BUNDLE_COMPLETE: ({ secrets, files }: { secrets: number; files: number }): Text => ({
    says: `every token is valid and its data key pair is in the bundle (secrets: ${secrets}, files: ${files})`,
  }),
}

const CALLER_MESSAGES = {
  CALLER_KNOWN: ({ arn }: { arn: string }): Text => ({ says: `the caller is ${arn}` }),
  CALLER_UNKNOWN: ({ reason }: { reason: string }): Text => ({
    says: `the caller is unknown: ${reason}`,
  }),
  CREDENTIALS_REJECTED: ({ message, next }: { message: string; next: string }): Text => ({
    says: `AWS does not accept the credentials: ${message}`,
    fix: `${next} Nothing in AWS was checked.`,
  }),
  AWS_NOT_CALLED: ({ message, next }: { message: string; next: string }): Text => ({
    says: message,
    fix: `${next} Nothing in AWS was checked.`.trim(),
  }),
  CALLER_PERMISSIONS: (data: { keyId: string; decrypt: string; generate: string }): Text => ({
    says: `with ${data.keyId} the caller ${data.decrypt}, ${data.generate}; sealing needs neither`,
  }),
}

const KEY_MESSAGES = {
  KEY_EXISTS: ({ arn }: { arn: string }): Text => ({ says: `${arn} exists` }),
  KEY_MISSING: ({ arn }: { arn: string }): Text => ({
    says: `${arn} does not exist: it was deleted, or the ARN has the wrong account or region`,
    fix: 'a deleted key cannot be restored: create a new pair (npx unplugin-kms init) and set the values again',
  }),
  KEY_UNKNOWN: ({ arn, reason }: { arn: string; reason: string }): Text => ({
    says: `whether ${arn} exists is unknown: ${reason}`,
  }),
  KEY_ENABLED: ({ arn }: { arn: string }): Text => ({ says: `${arn} is enabled` }),
  KEY_DISABLED: ({ arn }: { arn: string }): Text => ({
    says: `${arn} is disabled and cannot decrypt`,
    fix: `aws kms enable-key ${at(arn)}`,
  }),
  KEY_PENDING_DELETION: ({ arn, date }: { arn: string; date?: string }): Text => ({
    says: `${arn} is scheduled for deletion${date === undefined ? '' : ` on ${date}`}: it cannot decrypt now, and after that day it is lost`,
    fix: `aws kms cancel-key-deletion ${at(arn)}, then aws kms enable-key ${at(arn)}`,
  }),
  KEY_UNUSABLE: ({ arn, state }: { arn: string; state: string }): Text => ({
    says: `${arn} is in the state ${state} and cannot decrypt`,
    fix: 'see the key in the console',
  }),
  KEY_SUITABLE: ({ arn }: { arn: string }): Text => ({ says: `${arn} encrypts and decrypts` }),
  KEY_UNSUITABLE: (data: { arn: string; spec: string; usage: string }): Text => ({
    says: `${data.arn} has the key spec ${data.spec} and the usage ${data.usage}: it cannot unwrap a data key pair`,
    fix: 'use the symmetric key that encrypted it',
  }),
  ROTATION_UNKNOWN: ({ arn, reason }: { arn: string; reason: string }): Text => ({
    says: `whether ${arn} rotates is unknown: ${reason}`,
  }),
  ROTATION_ON: ({ arn }: { arn: string }): Text => ({ says: `${arn} rotates automatically` }),
  ROTATION_OFF: ({ arn }: { arn: string }): Text => ({
    says: `${arn} does not rotate automatically; sealed values can be decrypted after a rotation too`,
    fix: `aws kms enable-key-rotation ${at(arn)}`,
  }),
  ALIAS_MATCHES: ({ name, arn }: { name: string; arn: string }): Text => ({
    says: resolves(name, arn),
  }),
  ALIAS_UNUSED: ({ name, arn }: { name: string; arn: string }): Text => ({
    says: `${resolves(name, arn)}, which does not wrap any of the pairs`,
    fix: `npx unplugin-kms rewrap --key ${arn}`,
  }),
  ALIAS_DIFFERS: (data: { name: string; arn: string; sealed: string[] }): Text => ({
    says: `${resolves(data.name, data.arn)}, and the sealed values need ${data.sealed.join(', ')}${isAlias(data.name) ? ': someone repointed it' : ''}`,
    fix: `${isAlias(data.name) ? 'point it back' : 'name that key'}, or move to the new key: npx unplugin-kms rewrap --key ${data.arn}`,
  }),
  ALIAS_UNKNOWN: ({ name, reason }: { name: string; reason: string }): Text => ({
    says: `which key ${name} resolves to is unknown: ${reason}`,
  }),
  ALIAS_MISSING: ({ name, sealed }: { name: string; sealed?: string }): Text => {
    const alias = /alias\/.+$/.exec(name)?.[0]
    return {
      says: `${name} resolves to no key in this account and region`,
      ...(alias !== undefined &&
        sealed !== undefined && {
          fix: `create it again: aws kms create-alias --alias-name ${alias} ${at(sealed).replace('--key-id', '--target-key-id')}`,
        }),
    }
  },
}

const PAIR_MESSAGES = {
  WRAPPING_INVALID: (data: {
    what: string
    keyId: string
    name: string
    encryptionContext: Record<string, string>
    remedy: string
  }): Text => ({
    says: `KMS cannot decrypt ${data.what} with ${data.keyId} (${data.name}): the encryption context, the key or the CiphertextBlob has changed since it was encrypted`,
    fix: `the context here is ${JSON.stringify(data.encryptionContext)}: ${data.remedy}`,
  }),
  PAIR_VERIFIED: ({ keyId, fingerprint }: { keyId: string; fingerprint: string }): Text => ({
    says: `${keyId} unwraps ${fingerprint}, and its public key is the one in the file`,
  }),
  PAIR_UNVERIFIED: ({ fingerprint, message }: { fingerprint: string; message: string }): Text => ({
    says: `whether ${fingerprint} can be unwrapped is unknown: ${message}`,
  }),
  PAIR_DIFFERS: ({ keyId, fingerprint }: { keyId: string; fingerprint: string }): Text => ({
    says: `the private key that ${keyId} unwraps for ${fingerprint} does not match the public key in the file: one of them was replaced`,
    fix: 'seal nothing to it, find out who changed it (git log), and restore the line',
  }),
  ENTRY_INVALID: ({ message }: { message: string }): Text => ({ says: message }),
  ENTRIES_OPEN: ({ opened, total }: { opened: number; total: number }): Text => ({
    says: `entries that can be decrypted: ${opened} of ${total}`,
  }),
}

/** The message of each check, by its code. Data contains names, ARNs and contexts, never a value. */
export const MESSAGES = {
  ...FILE_MESSAGES,
  ...CALLER_MESSAGES,
  ...KEY_MESSAGES,
  ...PAIR_MESSAGES,
  ...FUNCTION_MESSAGES,
  ...ACCESS_MESSAGES,
}

export type MessageCode = keyof typeof MESSAGES
export type MessageData<C extends MessageCode> = Parameters<(typeof MESSAGES)[C]>[0]

/** Returns the message of a check. */
export const formatMessage = <C extends MessageCode>(code: C, data: MessageData<C>): Text =>
  (MESSAGES[code] as (data: MessageData<C>) => Text)(data)
