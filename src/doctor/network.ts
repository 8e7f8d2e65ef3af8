import type { Route, RouteTable, VpcEndpoint } from '@aws-sdk/client-ec2'
import { parseKeyArn } from '../aws/key-arn.js'
import type { AwsOptions } from '../options/types.js'
import { installCommand } from '../util/install-command.js'
import type { DecryptRequest } from '../policy/decrypt-requests.js'
import { ask, clients, reason } from './ask.js'
import { check, type Check } from './check.js'
import { checkEndpointPolicy } from './endpoint-policy.js'
import type { FunctionFacts } from './function.js'
import type { KeyFacts } from './keys.js'

/**
 * Checks whether a function in a VPC reaches KMS: through an interface endpoint for the key's region (with
 * private DNS, or with its own name in the function's environment), or by a route out of the VPC. An
 * internet gateway does not count: a function has no public address.
 */
export async function checkNetwork(
  { vpc, region, name, role, host }: FunctionFacts,
  requests: DecryptRequest[],
  keys: KeyFacts[],
  aws: AwsOptions,
): Promise<Check[]> {
  if (!vpc) return [check('ok', 'network', 'NETWORK_NO_VPC')]
  const { vpcId } = vpc
  const sdk = await import('@aws-sdk/client-ec2').catch(() => undefined)
  if (!sdk) {
    const install = installCommand('@aws-sdk/client-ec2')
    return [check('unchecked', 'network', 'NETWORK_CLIENT_MISSING', { vpcId, install })]
  }
  const ec2 = await clients(aws, 'EC2', async (config) => new sdk.EC2Client(config))(region)
  const Filters = [{ Name: 'vpc-id', Values: [vpcId] }]
  const [endpoints, tables] = await Promise.all([
    ask(() => ec2.send(new sdk.DescribeVpcEndpointsCommand({ Filters }))),
    ask(() => ec2.send(new sdk.DescribeRouteTablesCommand({ Filters }))),
  ])
  const refusals = [
    ...('got' in endpoints ? [] : [reason(endpoints, 'ec2:DescribeVpcEndpoints')]),
    ...('got' in tables ? [] : [reason(tables, 'ec2:DescribeRouteTables')]),
  ]
  if (!('got' in endpoints) || !('got' in tables))
    return [
      check('unchecked', 'network', 'NETWORK_UNKNOWN', { vpcId, reason: refusals.join('; ') }),
    ]

  const routes = vpc.subnetIds.map((subnet) => routeTarget(subnet, tables.got.RouteTables ?? []))
  const ofKms = (endpoints.got.VpcEndpoints ?? []).filter(isOfKms).map((endpoint) => ({
    ...endpoint,
    isNamed: endpoint.PrivateDnsEnabled || host?.startsWith(`${endpoint.VpcEndpointId}-`),
  }))
  const ways = keys.map(({ arn }) =>
    wayTo({ vpcId, keyRegion: parseKeyArn(arn)!.region, ...(region && { region }) }, ofKms, routes),
  )
  // One reachable key is enough: the shim tries each.
  const way =
    ways.find(({ check: { status } }) => status === 'ok') ??
    ways.find(({ check: { status } }) => status === 'unchecked') ??
    ways[0]
  if (!way) return []
  const { endpoint } = way
  const throughEndpoint = requests.filter(({ keyArn }) => parseKeyArn(keyArn)!.region === region)
  return [
    way.check,
    ...(endpoint && role && name
      ? throughEndpoint.map((request) => {
          const key = keys.find(({ arn }) => arn === request.keyArn)!
          const account = role.split(':')[4]!
          return checkEndpointPolicy(endpoint, { arn: role, account }, name, request, key)
        })
      : []),
  ]
}

const isOfKms = ({ ServiceName = '' }: VpcEndpoint) =>
  /^(?:[a-z.]+)\.[a-z0-9-]+\.kms(?:-fips)?$/.test(ServiceName)

/** A VPC endpoint for KMS. `isNamed`: whether the shim's host name resolves to it. */
type Endpoint = VpcEndpoint & { isNamed: boolean | undefined }

interface Way {
  check: Check
  /** The endpoint through which KMS is reached. */
  endpoint?: VpcEndpoint
}

function wayTo(
  target: { vpcId: string; keyRegion: string; region?: string },
  endpoints: Endpoint[],
  routes: (string | undefined)[],
): Way {
  const { vpcId, keyRegion } = target
  const here = endpoints.filter(({ ServiceName }) => ServiceName!.split('.').at(-2) === keyRegion)
  const usable = here.find(({ State, isNamed }) => /^available$/i.test(State ?? '') && isNamed)
  if (usable) {
    const data = { vpcId, endpoint: String(usable.VpcEndpointId) }
    return { check: check('ok', 'network', 'NETWORK_ENDPOINT', data), endpoint: usable }
  }
  if (routes.every((route) => route && /^nat-\w+$/.test(route)))
    return { check: check('ok', 'network', 'NETWORK_NAT', { vpcId }) }
  const unclear = routes.filter((route) => route && !/^(nat|igw)-\w+$/.test(route))
  if (routes.every((route) => route && !route.startsWith('igw-')) && unclear.length) {
    const targets = [...new Set(unclear)].map(String)
    return { check: check('unchecked', 'network', 'NETWORK_UNCLEAR', { vpcId, targets }) }
  }
  const [unusable] = here
  if (unusable) {
    const state = unusable.isNamed ? { state: String(unusable.State) } : {}
    const data = { ...target, ...state }
    return { check: check('found', 'network', 'NETWORK_ENDPOINT_UNUSABLE', data) }
  }
  const internetGateway = routes.find((route) => route?.startsWith('igw-'))
  const data = { ...target, ...(internetGateway && { internetGateway }) }
  return { check: check('found', 'network', 'NETWORK_NO_WAY', data) }
}

/**
 * Returns the target of a subnet's routes, from its own table or the VPC's main table: the NAT gateway of
 * the default route, else a target that may reach a shared endpoint, else the internet gateway.
 */
function routeTarget(subnet: string, tables: RouteTable[]): string | undefined {
  const own = tables.find(({ Associations = [] }) =>
    Associations.some(({ SubnetId }) => SubnetId === subnet),
  )
  const main = tables.find(({ Associations = [] }) => Associations.some(({ Main }) => Main))
  const routes = ((own ?? main)?.Routes ?? []).filter(({ State }) => State !== 'blackhole')
  const nat = routes.find(
    ({ DestinationCidrBlock, NatGatewayId }) =>
      DestinationCidrBlock === '0.0.0.0/0' && NatGatewayId,
  )
  if (nat) return nat.NatGatewayId
  const others = routes.flatMap((route) => targetOf(route) ?? [])
  return others.find((target) => !target.startsWith('igw-')) ?? others[0]
}

/** @returns undefined for a route within the VPC, or to an endpoint of S3 or DynamoDB. */
function targetOf(route: Route): string | undefined {
  const { NatGatewayId, GatewayId, TransitGatewayId, NetworkInterfaceId } = route
  const target =
    TransitGatewayId ??
    route.VpcPeeringConnectionId ??
    route.CoreNetworkArn ??
    route.EgressOnlyInternetGatewayId ??
    NetworkInterfaceId ??
    GatewayId ??
    // A route for some addresses, which may include those of KMS.
    (NatGatewayId && `${NatGatewayId} (for some addresses)`)
  return target === undefined || /^(local|vpce-)/.test(target) ? undefined : target
}
