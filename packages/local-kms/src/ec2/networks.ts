import { authorizeByIam } from '../auth/authorize.js'
import type { Network } from '../account/network.js'
import { list, required, string, structure } from '../protocol/schema.js'
import type { Call } from '../protocol/call.js'
import { operation, type Operations } from '../protocol/service.js'

/** EC2's default endpoint policy. */
const OPEN = { Statement: [{ Action: '*', Effect: 'Allow', Principal: '*', Resource: '*' }] }

const shape = {
  Filter: list(
    required(structure({ Name: required(string()), Value: required(list(required(string()))) })),
  ),
}

type Filters = { readonly Name: string; readonly Value: string[] }[] | undefined

/** Returns the VPCs of the filter `vpc-id`. */
function filtered(call: Call, action: string, filters: Filters): Network[] {
  authorizeByIam(call, `ec2:${action}`, '*')
  const ids = filters?.find(({ Name }) => Name === 'vpc-id')?.Value ?? []
  call.entry.resource = ids.join(' ')
  return ids.flatMap((id) => call.account.networks.get(id) ?? [])
}

const DescribeVpcEndpoints = operation(shape, (call, { Filter }) => ({
  vpcEndpointSet: filtered(call, 'DescribeVpcEndpoints', Filter).flatMap(
    ({ vpcId, endpoints = [] }) =>
      endpoints.map(({ serviceName, privateDns, state = 'available', policy = OPEN }, i) => ({
        vpcEndpointId: `vpce-${i}`,
        vpcEndpointType: 'Interface',
        vpcId,
        serviceName,
        state,
        privateDnsEnabled: privateDns,
        policyDocument: typeof policy === 'string' ? policy : JSON.stringify(policy),
      })),
  ),
}))

const TARGETS: [prefix: string, member: string][] = [
  ['nat-', 'natGatewayId'],
  ['tgw-', 'transitGatewayId'],
  ['eni-', 'networkInterfaceId'],
  ['', 'gatewayId'],
]

const DescribeRouteTables = operation(shape, (call, { Filter }) => ({
  routeTableSet: filtered(call, 'DescribeRouteTables', Filter).flatMap(
    ({ vpcId, routeTables = [] }) =>
      routeTables.map(({ main = false, subnetIds = [], routes }, i) => ({
        routeTableId: `rtb-${i}`,
        vpcId,
        associationSet: [
          ...(main ? [{ main: true }] : []),
          ...subnetIds.map((subnetId) => ({ main: false, subnetId })),
        ],
        routeSet: Object.entries(routes).map(([destinationCidrBlock, target]) => ({
          destinationCidrBlock,
          [(TARGETS.find(([prefix]) => target.startsWith(prefix)) as [string, string])[1]]: target,
          state: 'active',
        })),
      })),
  ),
}))

export const ec2Operations = { DescribeVpcEndpoints, DescribeRouteTables } satisfies Operations
