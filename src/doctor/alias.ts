import { present } from '../aws/aws-error.js'
import type { KMSClient } from '@aws-sdk/client-kms'
import { areRelated, parseKeyArn } from '../aws/key-arn.js'
import { regionOf } from '../aws/kms.js'
import { ask, reason, type Answer, type Refusal } from './ask.js'
import { check, type Check } from './check.js'

/**
 * Whether what the configuration calls the keys still leads where it led: an alias can be repointed,
 * and then the next build seals under another key than the function's role may use. A build refuses
 * a secrets file that is wrapped under a key which the configuration does not name.
 *
 * @param keyIds the plugin's option keyId.
 * @param sealed the ARNs of the keys that open what is sealed.
 */
export async function checkAliases(
  keyIds: string[],
  sealed: string[],
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<Check[]> {
  const { DescribeKeyCommand } = await import('@aws-sdk/client-kms')
  const asked = await Promise.all(
    keyIds.map(async (name): Promise<{ name: string; answer: Answer<string> }> => {
      if (parseKeyArn(name)) return { name, answer: { got: name } }
      const kms = await clientFor(regionOf(name))
      const command = new DescribeKeyCommand({ KeyId: name })
      return {
        name,
        answer: await ask(async () => present((await kms.send(command)).KeyMetadata?.Arn)),
      }
    }),
  )
  const named = asked.flatMap(({ answer }) => ('got' in answer ? [answer.got] : []))
  const unnamed = sealed.filter((arn) => !named.some((one) => isSameKey(one, arn)))
  return asked.map(({ name, answer }) => {
    if (!('got' in answer)) return unanswered(name, answer, sealed)
    const { got: arn } = answer
    const isAlias = name.includes('alias/')
    const leads = isAlias ? `${name} leads to ${arn}` : `the option keyId names ${arn}`
    if (sealed.some((one) => isSameKey(one, arn))) return check('ok', 'alias', leads)
    // One that was not answered may lead to the rest.
    if (!unnamed.length || named.length < asked.length)
      return check('advice', 'alias', `${leads}, under which nothing is sealed`, {
        fix: `npx unplugin-kms rewrap --key ${arn}`,
      })
    return check(
      'found',
      'alias',
      `${leads}, and what is sealed opens with ${unnamed.join(', ')}${isAlias ? ': someone repointed it' : ''}`,
      {
        fix: `${isAlias ? 'point it back' : 'name that'}, or go over to the new key: npx unplugin-kms rewrap --key ${arn}`,
      },
    )
  })
}

/** A multi-Region key has an ARN in each region. */
const isSameKey = (one: string, other: string) =>
  one === other || areRelated([parseKeyArn(one)!, parseKeyArn(other)!])

function unanswered(name: string, refusal: Refusal, [sealed]: string[]): Check {
  if (refusal.refused !== 'missing')
    return check('unchecked', 'alias', `where ${name} leads: ${reason(refusal, 'kms:DescribeKey')}`)
  const alias = /alias\/.+$/.exec(name)?.[0]
  const says = `${name} leads to no key in this account and region`
  if (alias === undefined || sealed === undefined) return check('found', 'alias', says)
  const at = `--target-key-id ${sealed} --region ${parseKeyArn(sealed)!.region}`
  return check('found', 'alias', says, {
    fix: `make it anew: aws kms create-alias --alias-name ${alias} ${at}`,
  })
}
