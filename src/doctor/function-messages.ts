import type { Text } from './message-text.js'

const VPC_LIMITS = 'security groups, network ACLs and DNS were not checked'

export const FUNCTION_MESSAGES = {
  FUNCTION_FOUND: ({ arn, role }: { arn: string; role: string }): Text => ({
    says: `${arn} runs as ${role}`,
  }),
  FUNCTION_MISSING: ({ name, region }: { name: string; region: string }): Text => ({
    says: `the function ${name} does not exist in this account in ${region}`,
    fix: 'give its ARN, or its region and account (--region, --profile)',
  }),
  FUNCTION_UNKNOWN: ({ name, reason }: { name: string; reason: string }): Text => ({
    says: `the function ${name} is unknown: ${reason}`,
  }),
  RUNTIME_SUPPORTED: ({ name, runtime }: { name: string; runtime: string }): Text => ({
    says: `${name} runs on ${runtime}, which opens ML-KEM pairs`,
  }),
  RUNTIME_UNKNOWN: ({ name, runtime }: { name: string; runtime: string }): Text => ({
    says: `whether ${name} opens ML-KEM pairs is unknown: it runs on ${runtime}, and they need Node.js 24.7 or later`,
  }),
  RUNTIME_UNSUPPORTED: ({ name, runtime }: { name: string; runtime: string }): Text => ({
    says: `${name} runs on ${runtime}, and ML-KEM pairs need Node.js 24.7 or later`,
    fix: 'change the runtime to nodejs24.x, or go back to P-256: npx unplugin-kms rotate --no-post-quantum',
  }),
  ENDPOINT_CONFIGURED: ({ host, variable }: { host: string; variable: string }): Text => ({
    says: `the function calls ${host} (${variable})`,
  }),
  ENDPOINT_LOCAL: ({ host, variable }: { host: string; variable: string }): Text => ({
    says: `the function's ${variable} points to ${host}, which is not KMS but a development setting`,
    fix: `remove ${variable} from the function's environment`,
  }),
  REGION_NEAR: ({ region }: { region: string }): Text => ({ says: `a key is in ${region}` }),
  REGION_FAR: ({ region, keyRegions }: { region: string; keyRegions: string[] }): Text => ({
    says: `the function runs in ${region}, and its keys are in ${keyRegions.join(', ')}: each cold start calls that region`,
    fix: `create a replica of a multi-Region key in ${region}`,
  }),
  NETWORK_NO_VPC: (): Text => ({ says: 'the function is not in a VPC, so it reaches KMS' }),
  NETWORK_UNKNOWN: ({ vpcId, reason }: { vpcId: string; reason: string }): Text => ({
    says: `whether ${vpcId} reaches KMS is unknown: ${reason}`,
  }),
  NETWORK_CLIENT_MISSING: ({ vpcId, install }: { vpcId: string; install: string }): Text => ({
    says: `whether ${vpcId} reaches KMS is unknown: @aws-sdk/client-ec2 is not installed`,
    fix: install,
  }),
  NETWORK_ENDPOINT: ({ vpcId, endpoint }: { vpcId: string; endpoint: string }): Text => ({
    says: `${vpcId}: the endpoint ${endpoint} reaches KMS; ${VPC_LIMITS}`,
  }),
  NETWORK_NAT: ({ vpcId }: { vpcId: string }): Text => ({
    says: `${vpcId}: every subnet's default route goes to a NAT gateway; ${VPC_LIMITS}`,
  }),
  NETWORK_UNCLEAR: ({ vpcId, targets }: { vpcId: string; targets: string[] }): Text => ({
    says: `${vpcId}: routes go to ${targets.join(', ')}; whether KMS is reachable through them is unknown`,
  }),
  NETWORK_ENDPOINT_UNUSABLE: (data: NoWay & { state?: string }): Text => ({
    says: `${data.vpcId}: its endpoint for KMS ${
      data.state === undefined
        ? 'has no private DNS (a private hosted zone of your own would do)'
        : `is in the state ${data.state}`
    }, and there is no NAT route`,
    fix: wayFix(data),
  }),
  NETWORK_NO_WAY: (data: NoWay & { internetGateway?: string }): Text => ({
    says: `${data.vpcId}: the function cannot reach KMS in ${data.keyRegion}: there is no interface endpoint, and ${
      data.internetGateway === undefined
        ? 'no NAT route'
        : `the default route goes to ${data.internetGateway}, which a function cannot use without a public address`
    }`,
    fix: wayFix(data),
  }),
  ENDPOINT_POLICY_NONE: ({ endpoint }: { endpoint: string }): Text => ({
    says: `the endpoint ${endpoint} has no policy`,
  }),
  ENDPOINT_POLICY_UNREAD: ({ endpoint, reason }: { endpoint: string; reason: string }): Text => ({
    says: `the policy of the endpoint ${endpoint} could not be read: ${reason}`,
  }),
  ENDPOINT_POLICY_DENIES: ({ endpoint, keyArn }: { endpoint: string; keyArn: string }): Text => ({
    says: `the policy of the endpoint ${endpoint} denies kms:Decrypt with ${keyArn}`,
    fix: 'narrow that statement or remove it',
  }),
  ENDPOINT_POLICY_LACKS: ({ endpoint, keyArn }: { endpoint: string; keyArn: string }): Text => ({
    says: `the policy of the endpoint ${endpoint} does not allow kms:Decrypt with ${keyArn}`,
    fix: 'add to it:',
  }),
  ENDPOINT_POLICY_ALLOWS: ({ endpoint }: { endpoint: string }): Text => ({
    says: `the policy of the endpoint ${endpoint} allows kms:Decrypt`,
  }),
  ENDPOINT_POLICY_UNCLEAR: (data: { endpoint: string; keys: string[] }): Text => ({
    says: `the policy of the endpoint ${data.endpoint} depends on ${data.keys.join(', ') || 'whether its account means the role'}`,
  }),
}

/** A key that cannot be reached from a VPC. */
export interface NoWay {
  vpcId: string
  keyRegion: string
  region?: string
}

const wayFix = ({ keyRegion, region }: NoWay) =>
  keyRegion === region
    ? `add an interface endpoint for com.amazonaws.${keyRegion}.kms with private DNS, or a route to a NAT gateway`
    : `add a route to a NAT gateway: an endpoint reaches KMS in ${region} only, and the key is in ${keyRegion}`
