import type { Route, RouteTable, VpcEndpoint } from '@aws-sdk/client-ec2'
import { parseKeyArn } from '../aws/key-arn.js'
import type { AwsOptions } from '../options/types.js'
import { installCommand } from '../util/install-command.js'
import type { Opening } from '../policy/openings.js'
import { ask, clients, reason } from './ask.js'
import { check, type Check } from './check.js'
import { checkEndpointPolicy } from './endpoint-policy.js'
import type { FunctionFacts } from './function.js'
import type { KeyFacts } from './keys.js'

/** What is not looked at, whatever the API shows. */
const ASIDE = 'security groups, network ACLs and DNS were not looked at'

/**
 * Whether a function in a VPC has a way to KMS: an interface endpoint for the key's region, by
 * private DNS or by its own name in the function's environment, or a route that leaves the VPC. An
 * internet gateway is none: a function has no public address.
 */
export async function checkNetwork(
  { vpc, region, name, role, host }: FunctionFacts,
  openings: Opening[],
  keys: KeyFacts[],
  aws: AwsOptions,
): Promise<Check[]> {
  if (!vpc) return [check('ok', 'network', 'the function is in no VPC: it reaches KMS')]
  const sdk = await import('@aws-sdk/client-ec2').catch(() => undefined)
  if (!sdk) {
    return [
      check(
        'unchecked',
        'network',
        `whether ${vpc.vpcId} leads to KMS: @aws-sdk/client-ec2 is not installed`,
        { fix: installCommand('@aws-sdk/client-ec2') },
      ),
    ]
  }
  const ec2 = await clients(aws, 'EC2', async (config) => new sdk.EC2Client(config))(region)
  const Filters = [{ Name: 'vpc-id', Values: [vpc.vpcId] }]
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
      check('unchecked', 'network', `whether ${vpc.vpcId} leads to KMS: ${refusals.join('; ')}`),
    ]

  const routes = vpc.subnetIds.map((subnet) => wayOut(subnet, tables.got.RouteTables ?? []))
  const ofKms = (endpoints.got.VpcEndpoints ?? []).filter(isOfKms).map((endpoint) => ({
    ...endpoint,
    isNamed: endpoint.PrivateDnsEnabled || host?.startsWith(`${endpoint.VpcEndpointId}-`),
  }))
  const ways = keys.map(({ arn }) => wayTo(parseKeyArn(arn)!.region, region, ofKms, routes))
  // One key that is reached is enough: the shim goes on to the next.
  const way =
    ways.find((one) => one.status === 'ok') ??
    ways.find((one) => one.status === 'unchecked') ??
    ways[0]
  if (!way) return []
  const { status, says, fix, endpoint } = way
  const led = openings.filter(({ keyArn }) => parseKeyArn(keyArn)!.region === region)
  return [
    check(status, 'network', `${vpc.vpcId}: ${says}`, fix ? { fix } : {}),
    ...(endpoint && role && name
      ? led.map((opening) => {
          const key = keys.find(({ arn }) => arn === opening.keyArn)!
          const account = role.split(':')[4]!
          return checkEndpointPolicy(endpoint, { arn: role, account }, name, opening, key)
        })
      : []),
  ]
}

const isOfKms = ({ ServiceName = '' }: VpcEndpoint) =>
  /^(?:[a-z.]+)\.[a-z0-9-]+\.kms(?:-fips)?$/.test(ServiceName)

/** Of KMS, and whether the shim comes to it by the name that it asks for. */
type Endpoint = VpcEndpoint & { isNamed: boolean | undefined }

interface Way {
  status: 'ok' | 'unchecked' | 'found'
  says: string
  fix?: string
  /** Through which KMS is reached. */
  endpoint?: VpcEndpoint
}

function wayTo(
  keyRegion: string,
  functionRegion: string | undefined,
  endpoints: Endpoint[],
  routes: (string | undefined)[],
): Way {
  const here = endpoints.filter(({ ServiceName }) => ServiceName!.split('.').at(-2) === keyRegion)
  const usable = here.find(({ State, isNamed }) => /^available$/i.test(State ?? '') && isNamed)
  if (usable)
    return {
      status: 'ok',
      says: `the endpoint ${usable.VpcEndpointId} leads to KMS; ${ASIDE}`,
      endpoint: usable,
    }
  if (routes.every((target) => target && /^nat-\w+$/.test(target)))
    return { status: 'ok', says: `every subnet's default route leads to a NAT gateway; ${ASIDE}` }
  const unclear = routes.filter((target) => target && !/^(nat|igw)-\w+$/.test(target))
  if (routes.every((target) => target && !target.startsWith('igw-')) && unclear.length)
    return {
      status: 'unchecked',
      says: `routes lead to ${[...new Set(unclear)].join(', ')}; what is behind that cannot be seen from here`,
    }
  const fix =
    keyRegion === functionRegion
      ? `add an interface endpoint for com.amazonaws.${keyRegion}.kms with private DNS, or a route to a NAT gateway`
      : `add a route to a NAT gateway: an endpoint leads to KMS of ${functionRegion} only, and the key is in ${keyRegion}`
  const [lame] = here
  if (lame) {
    const why = lame.isNamed
      ? `is in the state ${lame.State}`
      : 'has no private DNS (a private hosted zone of your own would do)'
    return { status: 'found', says: `its endpoint for KMS ${why}, and no NAT route leads out`, fix }
  }
  const igw = routes.find((target) => target?.startsWith('igw-'))
  return {
    status: 'found',
    says: igw
      ? `the function has no way to KMS in ${keyRegion}: no interface endpoint, and the default route leads to ${igw}, of which a function, without a public address, has no use`
      : `the function has no way to KMS in ${keyRegion}: no interface endpoint, and no NAT route`,
    fix,
  }
}

/**
 * Where a subnet's routes lead, by its own table or the VPC's main one: to a NAT gateway, if all that
 * is elsewhere is there; or to what may hold an endpoint for many VPCs; or else to the internet
 * gateway.
 */
function wayOut(subnet: string, tables: RouteTable[]): string | undefined {
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

/** Undefined within the VPC, and for an endpoint of S3 or DynamoDB. */
function targetOf(route: Route): string | undefined {
  const { NatGatewayId, GatewayId, TransitGatewayId, NetworkInterfaceId } = route
  const target =
    TransitGatewayId ??
    route.VpcPeeringConnectionId ??
    route.CoreNetworkArn ??
    route.EgressOnlyInternetGatewayId ??
    NetworkInterfaceId ??
    GatewayId ??
    // Of a part of all addresses, which may be that of KMS.
    (NatGatewayId && `${NatGatewayId} (for some addresses)`)
  return target === undefined || /^(local|vpce-)/.test(target) ? undefined : target
}
