import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLocalKms, type LocalKms } from '../../src/index.js'
import { peerEnvironment, whyMissing } from './installed.js'

const missing = whyMissing('python3', '-c', 'import boto3')

let kms: LocalKms
beforeAll(async () => {
  kms = await startLocalKms()
  await kms.createKey({ alias: 'alias/app' })
})
afterAll(() => kms.close())

const PROGRAM = `
import boto3, json
from botocore.exceptions import ClientError
kms, ssm = boto3.client('kms'), boto3.client('ssm')
secrets, sts = boto3.client('secretsmanager'), boto3.client('sts')
answers = {}

def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return [error.response['ResponseMetadata']['HTTPStatusCode'], error.response['Error']['Code']]

context = {'app': 'orders'}
blob = kms.encrypt(KeyId='alias/app', Plaintext=b'hunter2', EncryptionContext=context)['CiphertextBlob']
answers['decrypt'] = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)['Plaintext'].decode()
answers['context'] = refusal(kms.decrypt, CiphertextBlob=blob)
answers['dry run'] = refusal(kms.encrypt, KeyId='alias/app', Plaintext=b'x', DryRun=True)
answers['limit'] = refusal(kms.encrypt, KeyId='alias/app', Plaintext=b'x' * 4097)
answers['unknown'] = refusal(kms.describe_key, KeyId='alias/nowhere')
created = kms.create_key(Description='boto')['KeyMetadata']
answers['created'] = created['CreationDate'].year > 2020
pages = kms.get_paginator('list_keys').paginate(PaginationConfig={'PageSize': 1})
answers['listed'] = sum(len(page['Keys']) for page in pages)
ssm.put_parameter(Name='/p', Value='v', Type='SecureString', KeyId='alias/app')
answers['parameter'] = ssm.get_parameter(Name='/p', WithDecryption=True)['Parameter']['Value']
secrets.create_secret(Name='s', SecretBinary=b'\\x00\\xff')
answers['secret'] = list(secrets.get_secret_value(SecretId='s')['SecretBinary'])
answers['identity'] = sts.get_caller_identity()['Arn']
token = sts.get_session_token()['Credentials']
secrets.create_secret(Name='both', SecretString='v')
answers['forced with a window'] = refusal(secrets.delete_secret, SecretId='both', RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
answers['kept'] = secrets.get_secret_value(SecretId='both')['SecretString']
answers['forced, missing'] = refusal(secrets.delete_secret, SecretId='missing', ForceDeleteWithoutRecovery=True)
ssm.put_parameter(Name='plain', Value='v', Type='String')
answers['plain'] = ssm.get_parameter(Name='/plain')['Parameter']['Value']
answers['hierarchy'] = refusal(ssm.put_parameter, Name='a/b', Value='v', Type='String')
answers['reference'] = ssm.get_parameter(Name='/aws/reference/secretsmanager/both', WithDecryption=True)['Parameter']['Value']
answers['tags'] = refusal(kms.create_key, Tags=[{'TagKey': f'k{i}', 'TagValue': 'v'} for i in range(51)])
answers['specs'] = refusal(kms.create_key, KeySpec='RSA_2048', CustomerMasterKeySpec='RSA_2048', KeyUsage='ENCRYPT_DECRYPT')
answers['china'] = boto3.client('sts', region_name='cn-north-1').get_caller_identity()['Arn']
try:
    secrets.describe_secret(SecretId='missing')
except ClientError as error:
    answers['message'] = error.response['Message']
answers['expires'] = token['Expiration'].year > 2020
print(json.dumps(answers))
`

describe.skipIf(missing !== '')(`boto3${missing}`, () => {
  it('gets the expected answer from each service', async () => {
    const child = spawn('python3', ['-c', PROGRAM], { env: peerEnvironment(kms.env) })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk) => (stdout += chunk))
    child.stderr.on('data', (chunk) => (stderr += chunk))
    await new Promise((resolve) => child.once('close', resolve))
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      decrypt: 'hunter2',
      context: [400, 'InvalidCiphertextException'],
      'dry run': [400, 'DryRunOperationException'],
      limit: [400, 'ValidationException'],
      unknown: [400, 'NotFoundException'],
      created: true,
      listed: 2,
      parameter: 'v',
      secret: [0, 255],
      identity: kms.admin.arn,
      'forced with a window': [400, 'InvalidParameterException'],
      kept: 'v',
      'forced, missing': null,
      plain: 'v',
      hierarchy: [400, 'ValidationException'],
      reference: 'v',
      tags: [400, 'TagException'],
      specs: [400, 'ValidationException'],
      china: 'arn:aws-cn:iam::111122223333:user/admin',
      message: "Secrets Manager can't find the specified secret.",
      expires: true,
    })
  })
})
