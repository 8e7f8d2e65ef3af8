// @ts-check
/**
 * What the benchmark runs: each program opens n secrets and ends. All but the shim's keep to what their
 * documentation shows first.
 *
 * @typedef {object} World
 * @property {string} url the embedded KMS, https
 * @property {string} keyArn
 * @property {string} shim path of the shim, one ES module
 * @property {string} pairBlob the wrapped data key pair, base64
 * @property {string[]} tokens the secrets, sealed to the pair, each with its own encapsulation
 * @property {string[]} builtTokens the same, as a build seals them, with one encapsulation
 * @property {{ blob: string, tokens: string[], builtTokens: string[] }} mlKem the same for an ML-KEM pair
 * @property {string} openToken path of the module that opens what a build sealed
 * @property {string} mlKemModule path of the module that opens tokens of ML-KEM pairs
 * @property {string} dataKeyBlob a data key, wrapped, base64
 * @property {string[]} boxes the secrets under that data key: nonce, ciphertext, tag, base64
 * @property {string[]} parameters names of SecureStrings with the secrets
 * @property {{ headers: Record<string, string>, body: string }} signed a kms:Decrypt, signed already
 *
 * @typedef {object} Program
 * @property {string} name
 * @property {'esm' | 'cjs'} format
 * @property {boolean} bundled false: node resolves the packages itself
 * @property {string[]} packages what must be installed
 * @property {(world: World) => string} source
 */

const openBoxes = (/** @type {World} */ { boxes }) => `
import { createDecipheriv } from 'node:crypto'
function openAll(key) {
  return ${JSON.stringify(boxes)}.map((box) => {
    const bytes = Buffer.from(box, 'base64')
    const aead = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
    aead.setAuthTag(bytes.subarray(-16))
    return Buffer.concat([aead.update(bytes.subarray(12, -16)), aead.final()]).toString()
  })
}`

const shim = (/** @type {World} */ { shim, keyArn, pairBlob, tokens }) => `
import { envelope } from ${JSON.stringify(shim)}
const pair = envelope([[${JSON.stringify(keyArn)}, 'kms.us-east-1.amazonaws.com', ${JSON.stringify(pairBlob)}]], { app: 'bench' }, {})
const secrets = ${JSON.stringify(tokens)}.map((token, i) => pair(token, 'SECRET_' + i))
globalThis.done = Promise.all(secrets)`

const names = `.map((token, i) => pair(token, 'SECRET_' + i))
globalThis.done = Promise.all(secrets)`

const built = (/** @type {World} */ { shim, openToken, keyArn, pairBlob, builtTokens }) => `
import { envelope } from ${JSON.stringify(shim)}
import { openToken } from ${JSON.stringify(openToken)}
const open = envelope([[${JSON.stringify(keyArn)}, 'kms.us-east-1.amazonaws.com', ${JSON.stringify(pairBlob)}]], { app: 'bench' }, {})
const pair = (token, label, as) => open(token, label, as, openToken)
const secrets = ${JSON.stringify(builtTokens)}${names}`

const mlKem = (/** @type {'tokens' | 'builtTokens'} */ which) => (/** @type {World} */ world) =>
  `
import { envelope } from ${JSON.stringify(world.mlKemModule)}
const pair = envelope([[${JSON.stringify(world.keyArn)}, 'kms.us-east-1.amazonaws.com', ${JSON.stringify(world.mlKem.blob)}]], { app: 'bench' }, {})
const secrets = ${JSON.stringify(world.mlKem[which])}${names}`

const sdk = (/** @type {World} */ world) => `
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
${openBoxes(world)}
globalThis.done = (async () => {
  const { Plaintext } = await new KMSClient({}).send(new DecryptCommand({
    KeyId: ${JSON.stringify(world.keyArn)},
    CiphertextBlob: Buffer.from(${JSON.stringify(world.dataKeyBlob)}, 'base64'),
  }))
  return openAll(Plaintext)
})()`

/** @type {Program[]} */
export const PROGRAMS = [
  {
    name: 'empty process',
    format: 'esm',
    bundled: true,
    packages: [],
    source: () => 'globalThis.done = Promise.resolve([])',
  },
  {
    name: 'bare node:https POST',
    format: 'esm',
    bundled: true,
    packages: [],
    source: ({ url, signed: { headers, body } }) => `
import { request } from 'node:https'
globalThis.done = new Promise((resolve, reject) => {
  request(${JSON.stringify(url)}, { method: 'POST', headers: ${JSON.stringify(headers)} }, (answer) => {
    let text = ''
    answer.on('data', (part) => (text += part)).on('end', () => resolve([JSON.parse(text).Plaintext]))
  }).on('error', reject).end(${JSON.stringify(body)})
})`,
  },
  { name: 'shim, ESM', format: 'esm', bundled: true, packages: [], source: shim },
  { name: 'shim, one encapsulation', format: 'esm', bundled: true, packages: [], source: built },
  { name: 'shim, ML-KEM', format: 'esm', bundled: true, packages: [], source: mlKem('tokens') },
  {
    name: 'shim, ML-KEM, one encapsulation',
    format: 'esm',
    bundled: true,
    packages: [],
    source: mlKem('builtTokens'),
  },
  { name: 'shim, CJS', format: 'cjs', bundled: true, packages: [], source: shim },
  {
    name: 'client-kms, bundled',
    format: 'esm',
    bundled: true,
    packages: ['@aws-sdk/client-kms'],
    source: sdk,
  },
  {
    name: 'client-kms, unbundled',
    format: 'esm',
    bundled: false,
    packages: ['@aws-sdk/client-kms'],
    source: sdk,
  },
  {
    name: 'Powertools parameters',
    format: 'esm',
    bundled: true,
    packages: ['@aws-lambda-powertools/parameters', '@aws-sdk/client-ssm'],
    source: ({ parameters }) => `
import { getParametersByName } from '@aws-lambda-powertools/parameters/ssm'
const names = ${JSON.stringify(parameters)}
globalThis.done = getParametersByName(Object.fromEntries(names.map((name) => [name, {}])), { decrypt: true })
  .then((values) => names.map((name) => values[name]))`,
  },
  {
    name: 'middy ssm',
    format: 'esm',
    bundled: true,
    packages: ['@middy/core', '@middy/ssm', '@aws-sdk/client-ssm'],
    source: ({ parameters }) => `
import middy from '@middy/core'
import ssm from '@middy/ssm'
const names = ${JSON.stringify(parameters)}
const fetchData = Object.fromEntries(names.map((name, i) => ['s' + i, name]))
const handler = middy(async (_event, context) => names.map((_, i) => context['s' + i]))
  .use(ssm({ fetchData, setToContext: true }))
globalThis.done = handler({}, { getRemainingTimeInMillis: () => 3000 })`,
  },
  {
    name: 'aws4fetch',
    format: 'esm',
    bundled: true,
    packages: ['aws4fetch'],
    source: (world) => `
import { AwsClient } from 'aws4fetch'
${openBoxes(world)}
const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env
globalThis.done = (async () => {
  const client = new AwsClient({ accessKeyId, secretAccessKey, service: 'kms', region: 'us-east-1' })
  const answer = await client.fetch(process.env.AWS_ENDPOINT_URL_KMS, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'TrentService.Decrypt' },
    body: JSON.stringify({ KeyId: ${JSON.stringify(world.keyArn)}, CiphertextBlob: ${JSON.stringify(world.dataKeyBlob)} }),
  })
  return openAll(Buffer.from((await answer.json()).Plaintext, 'base64'))
})()`,
  },
]
