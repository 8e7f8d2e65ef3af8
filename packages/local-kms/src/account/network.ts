import type { PolicyDocument } from '../policy/parse-policy.js'

/** The endpoints and routes of a VPC. */
export interface Network {
  vpcId: string
  endpoints?: {
    /** `com.amazonaws.us-east-1.kms` */
    serviceName: string
    privateDns: boolean
    state?: string
    /** Default: a policy that allows everything. */
    policy?: PolicyDocument
  }[]
  routeTables?: {
    main?: boolean
    subnetIds?: string[]
    /** Destination to target: `{ '0.0.0.0/0': 'nat-1' }`. */
    routes: Record<string, string>
  }[]
}
