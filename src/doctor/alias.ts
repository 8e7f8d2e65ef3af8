import type { KMSClient } from '@aws-sdk/client-kms'
import { parseKeyArn } from '../seal/key-arn.js'
import { regionOf } from '../seal/kms.js'
import { ask, reason } from './ask.js'
import { check, type Check } from './check.js'

/**
 * Whether what the configuration calls the key still leads where it led: an alias can be repointed,
 * and then the next build seals under another key than the function's role may use.
 *
 * @param keyIds the plugin's option keyId.
 * @param sealed the ARNs of the keys that open what is sealed.
 */
export async function checkAliases(
  keyIds: string[],
  sealed: string[],
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<Check[]> {
  const names = keyIds.filter((keyId) => !parseKeyArn(keyId))
  const { DescribeKeyCommand } = await import('@aws-sdk/client-kms')
  return Promise.all(
    names.map(async (name) => {
      const kms = await clientFor(regionOf(name))
      const answer = await ask(() => kms.send(new DescribeKeyCommand({ KeyId: name })))
      if (!('got' in answer)) {
        if (answer.refused === 'missing')
          return check('found', 'alias', `${name} leads to no key in this account and region`, {
            fix: `make it anew: aws kms create-alias --alias-name ${name} --target-key-id ${sealed[0]}`,
          })
        const why = reason(answer, 'kms:DescribeKey')
        return check('unchecked', 'alias', `where ${name} leads: ${why}`)
      }
      const arn = answer.got.KeyMetadata!.Arn!
      if (sealed.includes(arn)) return check('ok', 'alias', `${name} leads to ${arn}`)
      return check(
        'found',
        'alias',
        `${name} leads to ${arn} now, and what is sealed opens with ${sealed.join(', ')}: someone repointed it`,
        {
          fix: `point it back, or go over to the new key: npx unplugin-kms rewrap --key ${arn}`,
        },
      )
    }),
  )
}
