import { present } from '../aws/aws-error.js'
import type { KMSClient } from '@aws-sdk/client-kms'
import { areRelated, parseKeyArn } from '../aws/key-arn.js'
import { regionOf } from '../aws/kms.js'
import { ask, reason, type Answer, type Refusal } from './ask.js'
import { check, type Check } from './check.js'
import { clientKms } from '../aws/sdk.js'

/**
 * Checks that the configured keys are those of the sealed values. If an alias was repointed, the next
 * build seals under a key that the function's role may not use. A build rejects a secrets file that is
 * wrapped under a key that the configuration does not name.
 *
 * @param keyIds the option `keyId` of the plugin.
 * @param sealed the ARNs of the keys that decrypt the sealed values.
 */
export async function checkAliases(
  keyIds: string[],
  sealed: string[],
  clientFor: (region?: string) => Promise<KMSClient>,
): Promise<Check[]> {
  const { DescribeKeyCommand } = await clientKms()
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
    const data = { name, arn }
    if (sealed.some((one) => isSameKey(one, arn)))
      return check('ok', 'alias', 'ALIAS_MATCHES', data)
    // An alias that could not be resolved may name the other keys.
    if (!unnamed.length || named.length < asked.length)
      return check('advice', 'alias', 'ALIAS_UNUSED', data)
    return check('found', 'alias', 'ALIAS_DIFFERS', { ...data, sealed: unnamed })
  })
}

/** Returns whether two ARNs are the same key. A multi-Region key has one ARN per region. */
const isSameKey = (one: string, other: string) =>
  one === other || areRelated([parseKeyArn(one)!, parseKeyArn(other)!])

function unanswered(name: string, refusal: Refusal, [sealed]: string[]): Check {
  if (refusal.refused === 'missing')
    return check('found', 'alias', 'ALIAS_MISSING', { name, ...(sealed && { sealed }) })
  const why = reason(refusal, 'kms:DescribeKey')
  return check('unchecked', 'alias', 'ALIAS_UNKNOWN', { name, reason: why })
}
