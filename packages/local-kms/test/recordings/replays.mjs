import { randomUUID } from 'node:crypto'

const base64 = (text) => Buffer.from(text).toString('base64')
const OTHER_REGION = 'ap-southeast-1'
const UNKNOWN = '134f2428-cec1-4b25-a1ae-9048164dba47'
const context = { EncryptionContext: { app: 'orders' } }

const createKey = async (ask, input = {}) => (await ask('kms:CreateKey', input)).KeyMetadata
const describe = async (ask, KeyId, region) => ask('kms:DescribeKey', { KeyId }, region)

const kms = {
  async test_create_key(ask) {
    const { KeyId } = await createKey(ask, { Description: 'test key 123' })
    return { 'describe-key': (await describe(ask, KeyId)).KeyMetadata }
  },
  async test_get_key_in_different_region(ask) {
    const { KeyMetadata } = await ask(
      'kms:CreateKey',
      { Description: 'test key 123' },
      OTHER_REGION,
    )
    return {
      'describe-key-diff-region-with-id': await describe(ask, KeyMetadata.KeyId),
      'describe-key-diff-region-with-arn': await describe(ask, KeyMetadata.Arn),
      'describe-key-same-specific-region-with-id': await describe(
        ask,
        KeyMetadata.KeyId,
        OTHER_REGION,
      ),
      'describe-key-same-specific-region-with-arn': await describe(
        ask,
        KeyMetadata.Arn,
        OTHER_REGION,
      ),
    }
  },
  async test_get_key_does_not_exist(ask) {
    const arn = `arn:aws:kms:us-east-1:111111111111:key/${UNKNOWN}`
    return {
      'describe-nonexistent-key-with-id': await describe(ask, UNKNOWN),
      'describe-nonexistent-with-arn': await describe(ask, arn),
      'describe-key-with-valid-id-mrk': await describe(ask, 'mrk-d3b95762d3b95762d3b95762d3b95762'),
    }
  },
  async test_get_key_invalid_uuid(ask) {
    return {
      'describe-key-with-invalid-uuid': await describe(ask, 'fake-key-id'),
      'describe-key-with-invalid-uuid-2': await describe(ask, UNKNOWN.replaceAll('-', '')),
      'describe-key-with-invalid-uuid-mrk': await describe(ask, 'mrk-fake-key-id'),
    }
  },
  async test_replicate_key(ask) {
    const { KeyId } = await createKey(ask, {
      Description: 'test replicated key',
      MultiRegion: true,
    })
    const before = await describe(ask, KeyId, OTHER_REGION)
    const replica = await ask('kms:ReplicateKey', { KeyId, ReplicaRegion: OTHER_REGION })
    return {
      'describe-key-from-different-region': before,
      'replicate-key': replica,
      'describe-key-from-region': await describe(ask, KeyId),
    }
  },
  async test_create_alias(ask) {
    const { KeyId } = await createKey(ask)
    return {
      create_alias: await ask('kms:CreateAlias', { AliasName: 'wrong', TargetKeyId: KeyId }),
    }
  },
  async test_generate_random_invalid_number_of_bytes(ask, bytes) {
    const NumberOfBytes = bytes === 'None' ? undefined : Number(bytes)
    return { 'generate-random-exc': await ask('kms:GenerateRandom', { NumberOfBytes }) }
  },
  async test_encrypt_validate_plaintext_size_per_key_type(ask, parameters) {
    const [KeySpec, EncryptionAlgorithm] = parameters.split('-')
    const { KeyId } = await createKey(ask, { KeySpec, KeyUsage: 'ENCRYPT_DECRYPT' })
    const request = { KeyId, EncryptionAlgorithm, Plaintext: base64('x'.repeat(600)) }
    return { 'generate-random-exc': await ask('kms:Encrypt', request) }
  },
  async test_plaintext_size_for_encrypt(ask) {
    const { KeyId } = await createKey(ask)
    const request = { KeyId, Plaintext: base64('x'.repeat(4097)) }
    return { 'invalid-plaintext-size-encrypt': await ask('kms:Encrypt', request) }
  },
  async test_encrypt_decrypt_encryption_context(ask) {
    const { KeyId } = await createKey(ask)
    const encrypted = await ask('kms:Encrypt', { KeyId, Plaintext: base64('x'), ...context })
    const { CiphertextBlob } = encrypted
    return {
      encrypt_response: encrypted,
      decrypt_response_with_encryption_context: await ask('kms:Decrypt', {
        CiphertextBlob,
        ...context,
      }),
      decrypt_response_without_encryption_context: await ask('kms:Decrypt', { CiphertextBlob }),
    }
  },
  async test_generate_data_key(ask) {
    const { KeyId } = await createKey(ask)
    const request = { KeyId, KeySpec: 'AES_256' }
    return { 'generate-data-key-result': await ask('kms:GenerateDataKey', request) }
  },
  async test_generate_data_key_without_plaintext(ask) {
    const { KeyId } = await createKey(ask)
    const request = { KeyId, KeySpec: 'AES_256' }
    const answer = await ask('kms:GenerateDataKeyWithoutPlaintext', request)
    return { 'generate-data-key-without-plaintext': answer }
  },
  async test_generate_data_key_pair(ask) {
    const { KeyId } = await createKey(ask)
    const request = { KeyId, KeyPairSpec: 'RSA_2048' }
    return { 'generate-data-key-pair': await ask('kms:GenerateDataKeyPair', request) }
  },
  async test_generate_data_key_pair_without_plaintext(ask) {
    const { KeyId } = await createKey(ask)
    const request = { KeyId, KeyPairSpec: 'RSA_2048' }
    const answer = await ask('kms:GenerateDataKeyPairWithoutPlaintext', request)
    return { 'generate-data-key-pair-without-plaintext': answer }
  },
  async test_create_multi_region_key(ask) {
    const input = { Description: 'test multi region key', MultiRegion: true }
    return { create_multi_region_key: await createKey(ask, input) }
  },
  async test_hmac_create_key_invalid_operations(ask) {
    const create = (input) => ask('kms:CreateKey', input)
    const KeyUsage = 'GENERATE_VERIFY_MAC'
    return {
      'create-hmac-key-without-key-usage': await create({ KeySpec: 'HMAC_256' }),
      'create-hmac-key-invalid-spec': await create({ KeySpec: 'HMAC_random', KeyUsage }),
      'create-hmac-key-invalid-key-usage': await create({
        KeySpec: 'HMAC_256',
        KeyUsage: 'RANDOM',
      }),
    }
  },
  async test_rotate_key_on_demand_raises_error_given_key_is_disabled(ask) {
    const { KeyId } = await createKey(ask, { KeySpec: 'RSA_4096', KeyUsage: 'ENCRYPT_DECRYPT' })
    await ask('kms:DisableKey', { KeyId })
    return { 'error-response': await ask('kms:RotateKeyOnDemand', { KeyId }) }
  },
  async test_rotate_key_on_demand_raises_error_given_non_symmetric_key(ask) {
    const { KeyId } = await createKey(ask, { KeySpec: 'RSA_4096', KeyUsage: 'ENCRYPT_DECRYPT' })
    return { 'error-response': await ask('kms:RotateKeyOnDemand', { KeyId }) }
  },
  async test_rotate_key_on_demand_raises_error_given_key_that_does_not_exist(ask) {
    const KeyId = '1234abcd-12ab-34cd-56ef-1234567890ab'
    return { 'error-response': await ask('kms:RotateKeyOnDemand', { KeyId }) }
  },
  async test_key_rotations_limits(ask) {
    const { KeyId } = await createKey(ask)
    for (let i = 0; i < 25; i++) await ask('kms:RotateKeyOnDemand', { KeyId })
    return { 'error-response': await ask('kms:RotateKeyOnDemand', { KeyId }) }
  },
}

const withToken = (input) => ({ ClientRequestToken: randomUUID(), ...input })

const secretsManager = {
  async test_invalid_secret_name(ask, SecretId) {
    const sm = (name, input) => ask(`secretsmanager:${name}`, input)
    return {
      ex_log_1: await sm('CreateSecret', withToken({ Name: SecretId, SecretString: 'x' })),
      ex_log_2: await sm('DeleteSecret', { SecretId }),
      ex_log_3: await sm('DescribeSecret', { SecretId }),
      ex_log_5: await sm('GetSecretValue', { SecretId }),
      ex_log_6: await sm('ListSecretVersionIds', { SecretId, IncludeDeprecated: true }),
      ex_log_7: await sm('PutSecretValue', withToken({ SecretId, SecretString: 'x' })),
      ex_log_9: await sm('UpdateSecret', { SecretId, Description: 'x' }),
    }
  },
  async test_create_and_update_secret(ask, parameters) {
    const [Name, isPartial] = [
      parameters.replace(/-(?:True|False)$/, ''),
      parameters.endsWith('True'),
    ]
    const sm = (name, input) => ask(`secretsmanager:${name}`, input)
    const Description = 'Testing secret creation.'
    const created = await sm(
      'CreateSecret',
      withToken({ Name, SecretString: 'my_secret', Description }),
    )
    const { ARN } = created
    const answers = {
      create_secret_rs_1: created,
      get_secret_value_rs_1: await sm('GetSecretValue', { SecretId: Name }),
      describe_secret_rs_1: await sm('DescribeSecret', { SecretId: Name }),
      get_secret_value_rs_2: await sm('GetSecretValue', { SecretId: ARN }),
    }
    const partial = await sm('GetSecretValue', { SecretId: ARN.slice(0, -7) })
    answers[isPartial ? 'get_secret_value_rs_3' : 'resource_not_found_dict_1'] = partial
    const put = withToken({ SecretId: Name, SecretString: 'new_secret' })
    answers.put_secret_value_rs_1 = await sm('PutSecretValue', put)
    answers.get_secret_value_rs_4 = await sm('GetSecretValue', { SecretId: Name })
    const update = withToken({
      SecretId: ARN,
      KmsKeyId: 'alias/aws/secretsmanager',
      SecretString: 'x',
    })
    answers.update_secret_res_1 = await sm('UpdateSecret', update)
    const deletion = { SecretId: Name, ForceDeleteWithoutRecovery: true }
    answers.delete_secret_res_1 = await sm('DeleteSecret', deletion)
    return answers
  },
  async test_update_secret_description(ask) {
    const sm = (name, input) => ask(`secretsmanager:${name}`, input)
    const SecretId = randomUUID()
    const created = await sm('CreateSecret', withToken({ Name: SecretId, SecretString: 'x' }))
    const first = await sm('DescribeSecret', { SecretId })
    const updated = await sm('UpdateSecret', { SecretId, Description: 'MyDescription' })
    return {
      create_secret_rs_0: created,
      describe_secret_res_0: first,
      update_secret_res_0: updated,
      describe_secret_res_1: await sm('DescribeSecret', { SecretId }),
    }
  },
  async test_can_recreate_delete_secret(ask) {
    const sm = (name, input) => ask(`secretsmanager:${name}`, input)
    const Name = randomUUID()
    const create = () => sm('CreateSecret', withToken({ Name, SecretString: 'x' }))
    return {
      create_secret_res_0: await create(),
      delete_res_1: await sm('DeleteSecret', { SecretId: Name, ForceDeleteWithoutRecovery: true }),
      create_secret_res_1: await create(),
    }
  },
  async test_exp_raised_on_creation_of_secret_scheduled_for_deletion(ask) {
    const sm = (name, input) => ask(`secretsmanager:${name}`, input)
    const Name = randomUUID()
    const create = () => sm('CreateSecret', withToken({ Name, SecretString: 'x' }))
    await create()
    const deleted = await sm('DeleteSecret', { SecretId: Name, RecoveryWindowInDays: 7 })
    return { delete_res: deleted, invalid_req_ex: await create() }
  },
}

const ssm = {
  async test_get_parameter_by_arn(ask) {
    const Name = 'param-1'
    await ask('ssm:PutParameter', { Name, Value: 'test', Type: 'String' })
    const { Parameter } = await ask('ssm:GetParameter', { Name })
    return await ask('ssm:GetParameter', { Name: Parameter.ARN })
  },
}

/** The calls of each recorded test, by its name. Each returns the answers by label. */
export const replays = { ...kms, ...secretsManager, ...ssm }
